import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx/core'
import { writeWhole } from '../../../lab/machine/write-whole.ts'

const files = suite<{ folder: string; path: string }>('writeWhole')
files.before.each(async context => {
  context.folder = mkdtempSync(join(tmpdir(), 'small-'))
  context.path = join(context.folder, 'hosts')
  await $({ quiet: true })`mount -t tmpfs -o size=64k tmpfs ${context.folder}`
})
files.after.each(async ({ folder }) => {
  await $({ quiet: true })`umount ${folder}`
  rmSync(folder, { recursive: true })
})

files('the whole file, with its mode', ({ folder, path }) => {
  writeWhole(path, 'old')
  writeWhole(path, 'new', 0o600)
  assert.is(readFileSync(path, 'utf8'), 'new')
  assert.is(statSync(path).mode & 0o777, 0o600)
  assert.equal(readdirSync(folder), ['hosts'])
})

files('on a full disk what is there stays, and what is as wanted is no error', async ({ folder, path }) => {
  writeWhole(path, 'old')
  await $({ quiet: true, nothrow: true })`dd if=/dev/zero of=${join(folder, 'filler')} bs=4k`
  assert.throws(() => writeWhole(path, 'x'.repeat(8192)), /ENOSPC/)
  writeWhole(path, 'old')
  assert.is(readFileSync(path, 'utf8'), 'old')
  assert.equal(readdirSync(folder).sort(), ['filler', 'hosts'])
})

files('one that was cut off is no hindrance', ({ folder, path }) => {
  writeFileSync(`${path}.new`, 'ha')
  writeWhole(path, 'whole')
  assert.is(readFileSync(path, 'utf8'), 'whole')
  assert.equal(readdirSync(folder), ['hosts'])
})

files.run()
