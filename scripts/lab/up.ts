#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { script } from '../../lib/runtime/script.ts'

export default script({
  name: 'lab:up',
  summary: 'Start the lab: Google, git and registry on this machine. Safe to repeat.',

  async run({ log, signal }) {
    const { up } = await import('../../lab/lifecycle/lifecycle.ts')
    const { labStatus } = await import('../../lab/lifecycle/status.ts')

    await up(log, signal)
    const { endpoints } = await labStatus()
    return { document: { endpoints }, text: 'the lab is up; next: ./taskw up' }
  },
})
