#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { applyOrder } from '../../lib/model/layer/order.ts'
import { chosenLayers } from '../../lib/phases/layer.ts'
import { verb } from '../../lib/phases/operation.ts'
import { doctor } from '../../lib/phases/readiness.ts'
import { newSnapshotOf } from '../../lib/phases/snapshot.ts'

export default verb({
  name: 'snapshot:create',
  summary: "Take a named, labelled snapshot of the VM's boot disk.",

  define: command => command.argument('[layer]', 'layer whose state it keeps', '01-k8s'),

  phases: (operation, { args }) => [doctor(), ...applyOrder(chosenLayers(args, operation)).map(newSnapshotOf)],
})
