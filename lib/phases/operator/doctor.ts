import { checkPhase } from '../../runtime/phases.ts'
import { operatorChecks } from './checks.ts'

/** Checks what must be in order on the operator's machine before anything else; it repairs nothing. */
export const doctor = () =>
  checkPhase({
    id: 'doctor',
    title: 'Check this machine: tools, keys, credentials',
    async check(context: Parameters<(typeof operatorChecks)[number]['check']>[0]) {
      const found = await Promise.all(
        operatorChecks.map(async ({ rule, check }) => [rule, await check(context, context.signal)] as const),
      )
      return { state: 'done', evidence: Object.fromEntries(found) }
    },
  })
