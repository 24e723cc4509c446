import { checkPhase } from '../../runtime/phases.ts'
import { operatorChecks } from './checks.ts'

/** What must be true on the operator's side before anything is tried; it repairs nothing. */
export const doctor = () =>
  checkPhase({
    id: 'doctor',
    title: 'Check this side: tools, keys, credentials',
    async check(context: Parameters<(typeof operatorChecks)[number]['check']>[0]) {
      const found = await Promise.all(operatorChecks.map(async ({ rule, check }) => [rule, await check(context)] as const))
      return { state: 'done', evidence: Object.fromEntries(found) }
    },
  })
