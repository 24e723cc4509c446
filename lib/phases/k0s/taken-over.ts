import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'
import { type K0sContext, pendingOr, survey } from './survey.ts'

/** Asks before a k0s that somebody else has installed is changed. It changes nothing itself; the phases after it do. */
export function takeOverAgreed(): Phase<K0sContext & Pick<Context, 'consent'>> {
  let agreed = false
  /** What is asked, without its question mark; undefined where k0s is our own. */
  const question = async (context: K0sContext): Promise<string | undefined> => {
    const { facts, plan } = await survey(context, { takeOver: true })
    if (!plan.takesOver || agreed) return undefined
    return `take over the k0s of ${facts.hostname}${plan.service.action === 'restart' ? ', which restarts it' : ''}`
  }
  return {
    id: 'k0s/take-over',
    title: 'Taking over k0s agreed',

    async check(context) {
      const asked = await question(context)
      return pendingOr(asked === undefined ? [] : [asked], null)
    },

    async run(context) {
      const asked = await question(context)
      if (asked !== undefined) await context.consent({ question: asked.replace(/^t/, 'T'), destroys: false })
      agreed = true
      return { asked: asked ?? null }
    },
  }
}
