#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { chosenLayers } from '../../lib/phases/layer.ts'
import { type Operation, verb } from '../../lib/phases/operation.ts'
import { doctor } from '../../lib/phases/readiness.ts'
import { newSnapshotOf } from '../../lib/phases/snapshot.ts'
import { usage } from '../../lib/runtime/errors.ts'

export default verb({
  name: 'snapshot:create',
  summary: "Take a named, labelled snapshot of the VM's boot disk.",

  define: command =>
    command.argument('[layer]', 'layer whose state it keeps; the last of `snapshots.after` in the environment if left out'),

  phases: (operation, { args: [layer = usual(operation)] }) => [
    doctor(),
    ...chosenLayers([layer], operation).map(newSnapshotOf),
  ],
})

function usual({ environment }: Operation): string {
  const last = environment.snapshots.after.at(-1)
  if (last !== undefined) return last
  throw usage(
    `a snapshot after which layer? \`snapshots.after\` of ${environment.name} names none`,
    'name one: `./taskw snapshot -- LAYER`',
  )
}
