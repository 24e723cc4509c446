import { join } from 'node:path'
import { readIfExists, root, writeAtomically } from '../../lib/runtime/files.ts'
import { prepareCharts } from '../delivery/charts/prepare.ts'
import { hashOf } from '../state/files.ts'
import type { Layout } from '../state/layout.ts'
import { moduleDirectory } from '../tools/sources.ts'

const sources = ['lab/delivery/charts', 'lab/tools/charts'].map(folder => join(root, folder))

/** Creates the charts unless they are up to date, which saves running Go and reading its module cache. */
export async function ensureCharts({ charts }: Layout): Promise<void> {
  const stamp = `${charts}.source`
  const wanted = await hashOf(sources)
  if ((await readIfExists(stamp)) === wanted) return
  await prepareCharts(charts, moduleDirectory)
  await writeAtomically(stamp, wanted)
}
