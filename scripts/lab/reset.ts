#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { usage } from '../../lib/runtime/errors.ts'
import { script } from '../../lib/runtime/script.ts'
import { agrees, standardTerminal } from '../../lib/runtime/terminal.ts'

export default script<{ yes?: boolean }>({
  name: 'lab:reset',
  summary: 'Stop the lab and delete all of it: disks, snapshots, Terraform states, images. Built programs stay.',

  define: command => command.option('--yes', 'do not ask'),

  async run({ options, log, signal }) {
    const { stopLabTunnels } = await import('../../lib/operation/lab-tunnels.ts')
    const { reset } = await import('../../lab/lifecycle/lifecycle.ts')
    if (!options.yes && !(await isConfirmed())) throw usage('nothing was deleted', 'answer yes, or give --yes')
    await stopLabTunnels({ log, signal })
    await reset(log)
    return { document: {} }
  },
})

const isConfirmed = async (): Promise<boolean> =>
  standardTerminal.isInteractive && agrees(standardTerminal, 'Delete the lab with its disks, snapshots and states')
