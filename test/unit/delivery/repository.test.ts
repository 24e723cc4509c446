import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Clone, openRepository } from '../../../lib/delivery/repository.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'

const home = mkdtempSync(join(tmpdir(), 'threads-ops-repository-'))
const bare = join(home, 'o/r.git')
const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']
const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()

/** Somebody else's commit on the branch. */
function committed(text: string): string {
  const clone = mkdtempSync(join(home, 'clone-'))
  git('clone', '--quiet', bare, clone)
  writeFileSync(join(clone, 'file'), text)
  git('-C', clone, 'add', '--all')
  git('-C', clone, ...identity, 'commit', '--quiet', '--message', text)
  git('-C', clone, 'push', '--quiet', 'origin', 'HEAD:refs/heads/master')
  return git('-C', clone, 'rev-parse', 'HEAD')
}

const open = (branch = 'master', name = 'o/r') =>
  openRepository({ name, branch, token: 'a-secret-token', endpoint: `file://${home}`, signal: new AbortController().signal })

const codeOf = async (work: Promise<unknown>) => ((await work.catch(thrown => thrown)) as OpsError).code

const repository = suite('openRepository')
repository.before(() => {
  mkdirSync(bare, { recursive: true })
  git('init', '--quiet', '--bare', '--initial-branch=master', bare)
  git('-C', bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
  committed('one')
})
repository.after(() => rmSync(home, { recursive: true }))

repository('a change is committed and pushed', async () => {
  const sha = await open().withClone(async clone => {
    assert.is(await clone.read('file'), 'one')
    assert.is(await clone.read('none'), undefined)
    await clone.write('file', 'two')
    const commit = await clone.commit('chore: two')
    await clone.push()
    return commit
  })
  assert.is(await open().head(), sha)
  assert.is(git('-C', bare, 'log', '-1', '--format=%s', 'master'), 'chore: two')
})

repository('a push that somebody was faster with is refused', async () => {
  const code = await codeOf(
    open().withClone(async clone => {
      committed('three')
      await clone.write('file', 'four')
      await clone.commit('chore: four')
      await clone.push()
    }),
  )
  assert.is(code, 5)
  assert.is(git('-C', bare, 'log', '-1', '--format=%s', 'master'), 'three')
})

repository('an earlier commit, as it was', async () => {
  const before = await open().head()
  committed('five')
  assert.is(await open().withClone(clone => clone.read('file'), before), 'three')
})

repository('neither the clone nor the token stays', async () => {
  let directory = ''
  await open().withClone(async (clone: Clone) => {
    await clone.write('where', 'x')
    directory =
      execFileSync('sh', ['-c', `ls -d ${tmpdir()}/threads-ops-clone-*`], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .at(-1) ?? ''
    assert.not.match(readFileSync(join(directory, '.git/config'), 'utf8'), /secret|x-access-token/)
  })
  assert.not(existsSync(directory))
})

repository('no such branch is exit code 4, no such repository 5', async () => {
  assert.is(await codeOf(open('none').head()), 4)
  assert.is(await codeOf(open('master', 'o/none').head()), 5)
})
repository.run()
