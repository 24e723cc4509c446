#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { Option } from 'commander'
import { environmentScript } from '../../lib/command-line/environment.ts'
import { valued } from '../../lib/command-line/values.ts'
import type { Json } from '../../lib/runtime/json.ts'
import { table } from '../../lib/runtime/table.ts'

export default environmentScript<{ layer?: string }>({
  name: 'snapshot:list',
  summary: "List the environment's snapshots, whoever made them, newest first.",

  define: command => command.addOption(valued('layer', new Option('--layer <layer>', 'only those of this layer'))),

  async run(context, { options }) {
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')
    const { snapshotsFound } = await import('../../lib/phases/snapshot/found.ts')

    if (options.layer !== undefined) chosenLayers([options.layer], context.environment)
    const found = await snapshotsFound(context)
    const snapshots = found.filter(({ layer }) => options.layer === undefined || layer === options.layer)
    return {
      document: {
        snapshots: snapshots.map(({ storageBytes, layer, ...rest }) => ({
          ...rest,
          layer: layer ?? null,
          storageBytes: String(storageBytes),
        })) as unknown as Json,
      },
      text:
        snapshots.length === 0
          ? 'No snapshots.'
          : table(
              ['NAME', 'MADE BY', 'LAYER', 'STATUS', 'SERIAL', 'CREATED', 'MIB', 'DISK'],
              snapshots.map(({ name, madeBy, layer, labels: has, status, createdAt, storageBytes, sourceDisk }) => [
                name,
                madeBy,
                layer ?? has.layer ?? '',
                status,
                (madeBy === 'toolkit' && has['state-serial']) || '',
                createdAt,
                Math.round(Number(storageBytes) / 2 ** 20),
                sourceDisk,
              ]),
            ),
    }
  },
})
