#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import type { Json } from '../../lib/runtime/json.ts'
import { script } from '../../lib/runtime/script.ts'
import { table } from '../../lib/runtime/table.ts'

export default script({
  name: 'lab:tools',
  summary: 'Build the programs of the lab that are not in the cache, and list them.',

  async run({ log, signal }) {
    const { ensureTools } = await import('../../lab/tools/build.ts')
    const { listTools } = await import('../../lab/tools/list.ts')
    const { describe } = await import('../../lab/tools/progress.ts')

    const built = await ensureTools({ report: describe(log.info), signal })
    const tools = await listTools(built)
    return {
      document: { tools: tools as unknown as Json },
      text: table(
        ['PROGRAM', 'VERSION', 'ORIGIN', 'SECONDS'],
        tools.map(({ program, version, origin, seconds }) => [program, version, origin, seconds ?? '']),
      ),
    }
  },
})
