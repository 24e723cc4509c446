#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/command-line/verb.ts'

export default verb({
  name: 'backup:verify',
  summary: 'Restore a backup into a scratch database beside the live one, compare every table, and drop it.',

  define: command => command.argument('[name]', "a backup's name, or `latest`", 'latest'),

  async work(_context, { args: [name = 'latest'] }) {
    const { backupVerified } = await import('../../lib/phases/backup/verified.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')
    return { phases: [doctor(), backupVerified(name)] }
  },
})
