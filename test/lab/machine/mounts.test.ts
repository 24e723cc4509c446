import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { unmountBelow } from '../../../lab/machine/mounts.ts'
import { run } from '../../../lab/machine/process.ts'

const mounts = suite('unmountBelow')
mounts('a folder can be deleted afterwards, also with a mount in a mount and a blank in its name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mounts-'))
  for (const path of ['data/pods/one volume', 'data/pods/one volume/inner', 'database']) {
    mkdirSync(join(folder, path), { recursive: true })
    await run('mount', ['-t', 'tmpfs', 'tmpfs', join(folder, path)])
  }
  await unmountBelow(join(folder, 'data'))
  rmSync(join(folder, 'data'), { recursive: true })
  assert.not(existsSync(join(folder, 'data')))
  // A neighbour whose name begins alike is none of it.
  assert.throws(() => rmSync(join(folder, 'database'), { recursive: true }), /busy/)
  await run('umount', [join(folder, 'database')])
  rmSync(folder, { recursive: true })
})
mounts.run()
