#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/command-line/verb.ts'

export default verb({
  name: 'snapshot:unprotect',
  summary: 'Let a snapshot go again when a prune or a purge deletes it.',

  define: command => command.argument('<names...>', 'of snapshots of this environment that this toolkit made'),

  async work(_context, { args }) {
    const { snapshotProtected } = await import('../../lib/phases/snapshot/protected.ts')
    return { phases: [...new Set(args)].map(name => snapshotProtected(name, false)) }
  },
})
