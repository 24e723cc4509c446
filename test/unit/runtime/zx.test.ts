import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { shell } from '../../../lib/runtime/zx.ts'

const shells = suite('a command')
const before = process.env.SHLVL
shells.after(() => {
  if (before !== undefined) process.env.SHLVL = before
})
for (const level of [undefined, '0', '1', '5']) {
  shells(`reads no startup file of the user's, with ${level ?? 'no'} shell around it`, async () => {
    const home = await mkdtemp(join(tmpdir(), 'threads-ops-home-'))
    await writeFile(join(home, '.bashrc'), `touch ${home}/read`)
    if (level === undefined) delete process.env.SHLVL
    else process.env.SHLVL = level
    const $ = shell({ env: { HOME: home } })
    assert.is((await $`echo done`).stdout, 'done\n')
    assert.is(existsSync(join(home, 'read')), false)
    await rm(home, { recursive: true })
  })
}
shells.run()
