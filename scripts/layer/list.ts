#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { environmentScript } from '../../lib/command-line/environment.ts'
import type { Json } from '../../lib/runtime/json.ts'
import { table } from '../../lib/runtime/table.ts'

export default environmentScript({
  name: 'layer:list',
  summary: 'List the layers, and what their states hold.',

  async run({ terraform }) {
    const layers = await Promise.all(terraform.layers.map(async layer => ({ layer, ...(await terraform.state(layer)) })))
    return {
      document: {
        layers: layers.map(({ outputs, ...facts }) => ({ ...facts, outputs: Object.keys(outputs) })) as unknown as Json,
      },
      text: table(
        ['LAYER', 'APPLIED', 'RESOURCES', 'SERIAL', 'LINEAGE'],
        layers.map(({ layer, applied, resources, serial, lineage }) => [
          layer,
          applied ? 'yes' : 'no',
          resources,
          serial,
          lineage,
        ]),
      ),
    }
  },
})
