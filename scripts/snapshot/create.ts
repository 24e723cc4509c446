#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { applyOrder } from '../../lib/model/layer/order.ts'
import { verb } from '../../lib/operation/verb.ts'
import { chosenLayers } from '../../lib/phases/layer/choice.ts'
import { doctor } from '../../lib/phases/operator/doctor.ts'
import { newSnapshot } from '../../lib/phases/snapshot/taken.ts'

export default verb({
  name: 'snapshot:create',
  summary: "Take a named, labelled snapshot of the VM's boot disk.",

  define: command => command.argument('[layer]', 'layer whose state it keeps', '01-k8s'),

  phases: (context, { args }) => [doctor(), ...applyOrder(chosenLayers(args, context)).map(newSnapshot)],
})
