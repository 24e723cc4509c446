#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { environmentScript } from '../../lib/command-line/environment.ts'
import type { Json } from '../../lib/runtime/json.ts'
import { table } from '../../lib/runtime/table.ts'

export default environmentScript<{ all?: boolean }>({
  name: 'backup:list',
  summary: "List the environment's backups, newest first.",

  define: command => command.option('--all', 'also what is no backup, such as a dump without a manifest, and why'),

  async run(context, { options }) {
    const { backupsFound } = await import('../../lib/phases/backup/found.ts')
    const { formatBytes } = await import('../../lib/model/backup/size.ts')
    const { ageOf, formatAge } = await import('../../lib/model/health/age.ts')

    const found = await backupsFound(context)
    const backups = found.filter(({ wrong }) => options.all === true || wrong === undefined)
    return {
      document: {
        backups: backups.map(({ name, manifest, wrong, verified }) => ({
          name,
          verified: verified ?? null,
          wrong: wrong ?? null,
          manifest: manifest ?? null,
        })) as unknown as Json,
      },
      text:
        backups.length === 0
          ? 'No backups.'
          : table(
              ['NAME', 'DATABASE', 'AGE', 'SIZE', 'TABLES', 'SERVER', 'VERIFIED', ...(options.all ? ['WRONG'] : [])],
              backups.map(({ name, manifest, wrong = '', verified = '' }) => [
                name,
                manifest?.database ?? '',
                manifest ? formatAge(ageOf(manifest.takenAt, context.now())) : '',
                manifest ? formatBytes(manifest.dump.bytes) : '',
                manifest?.tables.length ?? '',
                manifest?.source.server ?? '',
                verified,
                ...(options.all ? [wrong] : []),
              ]),
            ),
    }
  },
})
