import type { ConsentOptions } from '../command-line/options.ts'
import type { Environment } from '../config/schema.ts'
import { type OpsError, precondition, usage } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import { agrees, standardTerminal, type Terminal } from '../runtime/terminal.ts'
import type { ConsentRequest } from './context.ts'

/**
 * The one way to the operator's word. A guard of the environment can only be lifted in its file. What destroys wants a yes, or the
 * environment's name typed where `guards.confirm` is `typed`; anything else is asked for only there.
 */
export function consentOf(
  environment: Pick<Environment, 'name' | 'guards'>,
  { yes, confirm }: ConsentOptions,
  log: Pick<Log, 'warn'>,
  terminal: Terminal = standardTerminal,
): (request: ConsentRequest) => Promise<void> {
  const { name, guards } = environment
  const isTyped = guards.confirm === 'typed'
  return async ({ question, destroys, requested = false, guard }) => {
    const refusal = guard && guardRefusal(environment, guard, question)
    if (refusal) throw refusal
    if (confirm !== undefined && confirm !== name) {
      throw usage(
        `--confirm names "${confirm}", the environment is "${name}"`,
        'type the name of the environment that you mean',
      )
    }
    const wantsName = destroys && isTyped
    if (confirm === name || (yes && !wantsName) || ((requested || !destroys) && !isTyped)) return
    if (!terminal.isInteractive)
      throw precondition(`${question}: wants a confirmation`, wantsName ? `add --confirm=${name}` : 'add --yes')
    if (destroys) log.warn(`${question}: this destroys parts of ${name}.`)
    const agreed = wantsName
      ? (await terminal.ask("Type the environment's name to go on: ")) === name
      : await agrees(terminal, question)
    if (agreed) return
    throw precondition('not confirmed: nothing was changed', 'run it again when you mean it')
  }
}

/** Why an environment's guard does not let something be done; undefined where it does. @param what as `Destroy 01-k8s` */
export const guardRefusal = (
  environment: Pick<Environment, 'name' | 'guards'>,
  guard: 'destroy' | 'drills',
  what: string,
): OpsError | undefined =>
  environment.guards[guard]
    ? undefined
    : precondition(
        `${environment.name} does not allow this: ${what}`,
        `set guards.${guard} in environments/${environment.name}.yaml, in a reviewed change`,
      )
