#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { script } from '../../lib/runtime/script.ts'

export default script({
  name: 'lab:down',
  summary:
    'Stop the lab: every process, mount, namespace and interface goes. Its disks and state stay; lab:up boots its machines again.',

  async run({ log, signal }) {
    const { stopLabTunnels } = await import('../../lib/operation/lab-tunnels.ts')
    const { down } = await import('../../lab/lifecycle/lifecycle.ts')
    await stopLabTunnels({ log, signal })
    await down(log)
    return { document: {} }
  },
})
