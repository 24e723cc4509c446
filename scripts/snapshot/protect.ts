#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/command-line/verb.ts'

export default verb({
  name: 'snapshot:protect',
  summary: 'Keep a snapshot whatever a prune or a purge would delete.',

  define: command => command.argument('<names...>', 'of snapshots of this environment that this toolkit made'),

  async work(_context, { args }) {
    const { snapshotProtected } = await import('../../lib/phases/snapshot/protected.ts')
    return { phases: [...new Set(args)].map(name => snapshotProtected(name, true)) }
  },
})
