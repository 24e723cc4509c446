#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { layerArgument } from '../../lib/command-line/options.ts'
import { verb } from '../../lib/command-line/verb.ts'
import type { Context } from '../../lib/operation/context.ts'
import { usage } from '../../lib/runtime/errors.ts'

export default verb({
  name: 'snapshot:create',
  summary: "Take a named, labelled snapshot of the VM's boot disk.",

  define: command =>
    command.addArgument(layerArgument('[layer]', 'the layer to snapshot after; by default the last in `snapshots.after`')),

  async work(context, { args: [layer = usual(context)] }) {
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')
    const { newSnapshot } = await import('../../lib/phases/snapshot/taken.ts')
    const { sshKey } = await import('../../lib/phases/vm/ssh-key.ts')
    return { phases: [doctor(), sshKey(), ...chosenLayers([layer], context).map(newSnapshot)] }
  },
})

function usual({ environment }: Context): string {
  const last = environment.snapshots.after.at(-1)
  if (last !== undefined) return last
  throw usage(`which layer? \`snapshots.after\` of ${environment.name} is empty`, 'name one: `./taskw snapshot -- LAYER`')
}
