import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { gitSha } from '../../../lib/operation/operator.ts'
import { root } from '../../../lib/runtime/files.ts'

const directory = mkdtempSync(join(tmpdir(), 'operator-'))
const git = (folder: string, ...args: string[]) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim()

const sha = suite('the commit that a plan is bound to')
sha.after(() => rmSync(directory, { recursive: true }))

sha('is this checkout’s, unless told', async () => assert.is(await gitSha(), git(root, 'rev-parse', 'HEAD')))
sha('of a folder in another repository is that repository’s', async () => {
  const tree = join(directory, 'repository/terraform')
  mkdirSync(tree, { recursive: true })
  git(tree, 'init', '--quiet')
  git(tree, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '--allow-empty', '-m', 'one')
  assert.is(await gitSha(tree), git(tree, 'rev-parse', 'HEAD'))
  assert.is.not(await gitSha(tree), await gitSha())
})
for (const [what, folder] of [
  ['outside a repository', directory],
  ['a folder that is not there', join(directory, 'none')],
] as const) {
  sha(`of ${what} is unknown`, async () => assert.is(await gitSha(folder), 'unknown'))
}
sha.run()
