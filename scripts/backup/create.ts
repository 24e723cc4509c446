#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/command-line/verb.ts'
import type { Manifest } from '../../lib/model/backup/manifest.ts'
import type { Json } from '../../lib/runtime/json.ts'

export default verb({
  name: 'backup:create',
  summary: "Save the contents of the environment's databases in a bucket, each by its server's own program.",

  define: command => command.argument('[database...]', 'names in `backups.databases`; all of them by default'),

  async work(context, { args }) {
    const { backupTaken } = await import('../../lib/phases/backup/taken.ts')
    const { chosenDatabases } = await import('../../lib/phases/backup/place.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')
    const taken: Manifest[] = []
    return {
      phases: [doctor(), ...chosenDatabases(args, context).map(database => backupTaken(database, taken))],
      document: () => ({ backups: taken as unknown as Json }),
    }
  },
})
