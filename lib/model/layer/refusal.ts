import { quote } from '../shell.ts'
import type { Destruction } from './destruction.ts'
import type { Reason, Refused } from './guarded.ts'
import { describeHeld, type Holdings } from './holdings.ts'

const OF: Record<Reason, string> = {
  guarded: 'holds data',
  unannounced: 'was not announced',
  unallowed: '',
}

/** One line: what happens to which object, and what it holds. */
export function describeDestruction(destruction: Destruction, holdings: Holdings, now: Date): string {
  const { address, deposed, action, name, holds } = destruction
  const what = deposed === undefined ? address : `${address} (deposed ${deposed})`
  return [`${action} ${what}`, ...(name === '' ? [] : [name]), ...holds.map(held => describeHeld(held, holdings, now))].join(
    ' · ',
  )
}

/** What an operator reads when a plan is stopped for what it destroys. */
export function describeRefusals(
  { layer, environment }: { layer: string; environment: string },
  refused: readonly Refused[],
  holdings: Holdings,
  now: Date,
): { message: string; hint: string } {
  const lines = refused.map(({ destruction, reason }) => {
    const why = OF[reason]
    return `  ${describeDestruction(destruction, holdings, now)}${why && ` · ${why}`}`
  })
  return {
    message: [`${layer} would destroy ${counted(refused)}; nothing has been applied:`, ...lines].join('\n'),
    hint: remedies(refused, environment).join('\n'),
  }
}

const counted = (refused: readonly Refused[]): string => (refused.length === 1 ? '1 object' : `${refused.length} objects`)

function remedies(refused: readonly Refused[], environment: string): string[] {
  const of = (reason: Reason) => refused.filter(one => one.reason === reason)
  const flags = of('unallowed').map(({ destruction }) => allowance(destruction.address))
  const wanted = 'correct the inputs or the tree if this is not wanted'
  return [
    ...(flags.length > 0
      ? [`${wanted}; to let exactly this through, run \`up\` or \`layer:apply\` with:`, ...pasted(flags)]
      : []),
    ...(of('unannounced').length > 0
      ? ['run the same command again: what there is now is announced anew. If it stops here again, apply the layer first']
      : []),
    ...(of('guarded').length > 0
      ? [
          `guards.destroy is false in environments/${environment}.yaml: what holds data passes by no --allow-destroy. ` +
            'Take it out of the plan, or set guards.destroy there in a reviewed change',
        ]
      : []),
  ]
}

/** Ready to paste. */
export const allowance = (address: string): string => `--allow-destroy ${quote([address])}`

/** Deposed objects share an address: each line once. Lines that a shell reads as one. */
const pasted = (flags: readonly string[]): string[] =>
  [...new Set(flags)].map((flag, index, all) => `  ${flag}${index < all.length - 1 ? ' \\' : ''}`)
