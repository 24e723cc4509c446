#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { environmentScript } from '../../lib/command-line/environment.ts'
import type { Json } from '../../lib/runtime/json.ts'
import { table } from '../../lib/runtime/table.ts'

export default environmentScript<{ layer?: string }>({
  name: 'snapshot:list',
  summary: "List the environment's snapshots, newest first.",

  define: command => command.option('--layer <layer>', 'only those of this layer'),

  async run({ compute, environment }, { options }) {
    const { ownLabels } = await import('../../lib/model/labels.ts')
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')

    if (options.layer !== undefined) chosenLayers([options.layer], environment)
    const snapshots = await (await compute()).snapshots(ownLabels({ environment: environment.name, layer: options.layer }))
    return {
      document: {
        snapshots: snapshots.map(({ storageBytes, ...rest }) => ({
          ...rest,
          storageBytes: String(storageBytes),
        })) as unknown as Json,
      },
      text:
        snapshots.length === 0
          ? 'No snapshots.'
          : table(
              ['NAME', 'LAYER', 'STATUS', 'SERIAL', 'CREATED', 'MIB'],
              snapshots.map(({ name, labels: has, status, createdAt, storageBytes }) => [
                name,
                has.layer ?? '',
                status,
                has['state-serial'] ?? '',
                createdAt,
                Math.round(Number(storageBytes) / 2 ** 20),
              ]),
            ),
    }
  },
})
