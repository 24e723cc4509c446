import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readIfExists, writeAtomically } from '../../../lib/runtime/files.ts'

const files = suite<{ folder: string }>('files')
files.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'threads-ops-test-'))
})
files.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

files('a file is written whole, for its owner alone, in a folder made for it', async ({ folder }) => {
  const path = join(folder, 'a', 'b.json')
  await writeAtomically(path, 'first')
  await writeAtomically(path, 'second')
  assert.is(readFileSync(path, 'utf8'), 'second')
  assert.is(statSync(path).mode & 0o777, 0o600)
  assert.equal(readdirSync(join(folder, 'a')), ['b.json'])
})
for (const [mode, expected] of [
  [undefined, '700 700'],
  [0o600, '700 700'],
  [0o644, '755 755'],
] as const) {
  files(`missing folders are as open as the file: ${mode?.toString(8) ?? 'by default'}`, async ({ folder }) => {
    const before = process.umask(0o022)
    try {
      await writeAtomically(join(folder, 'a/b/c.json'), 'x', mode)
    } finally {
      process.umask(before)
    }
    assert.is(['a', 'a/b'].map(name => (statSync(join(folder, name)).mode & 0o777).toString(8)).join(' '), expected)
  })
}
files('another mode when given', async ({ folder }) => {
  await writeAtomically(join(folder, 'public'), 'x', 0o644)
  assert.is(statSync(join(folder, 'public')).mode & 0o777, 0o644)
})
files('what can’t be put in place leaves nothing behind, and the old one as it was', async ({ folder }) => {
  writeFileSync(join(folder, 'old'), 'old')
  let failed = false
  await writeAtomically(join(folder, 'old', 'new'), 'x').catch(() => {
    failed = true
  })
  await writeAtomically(folder, 'x').catch(() => {
    failed &&= true
  })
  assert.ok(failed)
  assert.equal(readdirSync(folder), ['old'])
  assert.equal(
    readdirSync(join(folder, '..')).filter(name => name.endsWith('.tmp') && folder.endsWith(name.split('.')[0] ?? '?')),
    [],
  )
})
files('a missing file is no error, another trouble is', async ({ folder }) => {
  assert.is(await readIfExists(join(folder, 'none')), undefined)
  let code: unknown
  await readIfExists(folder).catch(error => {
    code = error.code
  })
  assert.is(code, 'EISDIR')
})
files.run()
