import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Command } from '../../../lib/terraform/command.ts'
import { createInit } from '../../../lib/terraform/init.ts'

const RECORD = '.terraform/terraform.tfstate'
const WHOLE = '{"version":3}'

async function initialised(use: (folder: string, init: ReturnType<typeof createInit>, runs: string[]) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-init-'))
  const runs: string[] = []
  const command = {
    async run(root: string) {
      runs.push(await readFile(join(root, RECORD), 'utf8').catch(() => 'none'))
      await mkdir(join(root, '.terraform'), { recursive: true })
      await writeFile(join(root, RECORD), WHOLE)
      return { exitCode: 0, stdout: '', stderr: '', silent: false }
    },
  } as unknown as Command
  try {
    await writeFile(join(folder, 'backend'), '')
    const init = createInit({ command, root: () => folder, directory: folder, backendConfig: join(folder, 'backend') })
    await init.run('a')
    await use(folder, init, runs)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const init = suite('createInit')
init('a whole one is not done again', () =>
  initialised(async (_, { run, isCurrent }, runs) => {
    await run('a')
    assert.equal([runs, await isCurrent('a')], [['none'], true])
  }),
)
for (const torn of ['', '{"version":3', 'null x'])
  init(`one that was killed (${JSON.stringify(torn)}) is done again, without its record`, () =>
    initialised(async (folder, { run, isCurrent }, runs) => {
      await writeFile(join(folder, RECORD), torn)
      assert.is(await isCurrent('a'), false)
      await run('a')
      assert.equal([runs, await isCurrent('a')], [['none', 'none'], true])
    }),
  )
init.run()
