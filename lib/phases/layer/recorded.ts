import { isUnrecorded } from '../../model/layer/intents.ts'
import { realName } from '../../model/layer/real-name.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'
import { recordState } from './intents.ts'
import { knownIntents } from './known-intents.ts'

type RecordContext = Pick<Context, 'terraform' | 'journal' | 'store' | 'environment' | 'now'>

/**
 * The journals say of everything that was begun and is whole by now that it was finished. A run that was killed after Terraform's last
 * write could not say so, and without that record what it had made would for ever pass for half made, and be replaced unasked.
 */
export const layersRecorded = (layers: readonly string[]): Phase<RecordContext> => ({
  id: 'layers/recorded',
  title: 'Finished resources are on record',

  async check(context) {
    const missing = await unrecordedLayers(layers, context)
    return missing.length === 0
      ? { state: 'done', evidence: null }
      : { state: 'todo', changes: missing.map(layer => `record what the state of ${layer} holds`) }
  },

  async run(context) {
    const missing = await unrecordedLayers(layers, context)
    for (const layer of missing) await recordState(layer, context)
    return { recorded: missing }
  },
})

async function unrecordedLayers(layers: readonly string[], context: RecordContext): Promise<string[]> {
  const known = await knownIntents(context)
  const found = await Promise.all(
    layers.map(async layer => {
      const whole = (await context.terraform.resources(layer)).filter(
        ({ tainted, deposed }) => !tainted && deposed === undefined,
      )
      return whole.some(({ address, type, attributes }) =>
        isUnrecorded({ layer, address, name: realName(type, attributes) ?? '' }, known),
      )
    }),
  )
  return layers.filter((_, index) => found[index])
}
