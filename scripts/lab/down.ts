#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { down } from '../../lab/lifecycle/lifecycle.ts'
import { script } from '../../lib/runtime/script.ts'

export default script({
  name: 'lab:down',
  summary: 'Stop the lab: no process, mount, namespace or interface stays. Its disks and state do.',

  async run({ log }) {
    await down(log)
    return { document: {} }
  },
})
