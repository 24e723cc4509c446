import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Clone, openRepository } from '../../../lib/delivery/repository.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { failingServices, withFault } from '../support/faults.ts'
import { withServer } from '../support/server.ts'

const home = mkdtempSync(join(tmpdir(), 'threads-ops-repository-'))
const bare = join(home, 'o/r.git')
/** The system's temporary folder for this file alone: in the real one are other runs' clones. */
const temporary = join(home, 'temporary')
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
const { TMPDIR } = process.env
repository.before(() => {
  mkdirSync(temporary)
  process.env.TMPDIR = temporary
  mkdirSync(bare, { recursive: true })
  git('init', '--quiet', '--bare', '--initial-branch=master', bare)
  git('-C', bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
  committed('one')
})
repository.after(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = TMPDIR
  rmSync(home, { recursive: true })
})

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

repository('the branch has its newest commit and earlier ones, and no others', async () => {
  const before = await open().head()
  const newest = committed('five and a half')
  const has = (commit: string) => open().contains(commit)
  assert.equal([await has(newest), await has(before), await has('0'.repeat(40))], [true, true, false])
})

repository('neither the clone nor the token stays', async () => {
  let directory = ''
  await open().withClone(async (clone: Clone) => {
    await clone.write('where', 'x')
    const made = readdirSync(temporary)
    assert.is(made.length, 1)
    directory = join(temporary, made[0] ?? '')
    assert.not.match(readFileSync(join(directory, '.git/config'), 'utf8'), /secret|x-access-token/)
  })
  assert.not(existsSync(directory))
})

repository('no such branch is exit code 4, no such repository 5', async () => {
  assert.is(await codeOf(open('none').head()), 4)
  assert.is(await codeOf(open('master', 'o/none').head()), 5)
})
repository('what git has put into the environment of a hook leads nowhere else', async () => {
  const other = mkdtempSync(join(home, 'other-'))
  git('init', '--quiet', '--initial-branch=theirs', other)
  const before = { ...process.env }
  Object.assign(process.env, {
    GIT_DIR: join(other, '.git'),
    GIT_WORK_TREE: other,
    GIT_INDEX_FILE: join(other, '.git/index'),
    GIT_OBJECT_DIRECTORY: join(other, '.git/objects'),
    GIT_PREFIX: 'x/',
    GIT_CONFIG_PARAMETERS: "'core.bare=true'",
  })
  try {
    await open().withClone(async clone => assert.ok(await clone.read('file')))
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  }
  assert.is(git('-C', other, 'symbolic-ref', '--short', 'HEAD'), 'theirs')
  assert.is(git('-C', other, 'remote'), '')
})

for (const fault of failingServices) {
  repository(`a service that ${fault}: no word of the token`, () =>
    withFault(fault, async url => {
      const within = 1500
      const { signal } = new AbortController()
      const started = performance.now()
      const opened = openRepository({ name: 'o/r', branch: 'master', token: 't', endpoint: url, signal, within })
      const error = (await opened.head().catch(thrown => thrown)) as OpsError
      // What answers and says nothing that git knows is to git a repository without branches.
      assert.ok([4, 5, 124].includes(error.code), error.message)
      assert.match(error.message, 'o/r')
      assert.not.match(error.hint, 'GITHUB_TOKEN')
      assert.ok(performance.now() - started < within + 10_000)
    }),
  )
}
for (const [status, isToken] of [
  [401, true],
  [403, true],
  [404, true],
  [500, false],
  [502, false],
  [503, false],
] as const) {
  repository(`${status} is ${isToken ? '' : 'not '}the token’s fault`, () =>
    withServer(
      (_, response) => response.writeHead(status).end(),
      async url => {
        const { signal } = new AbortController()
        const opened = openRepository({ name: 'o/r', branch: 'master', token: 't', endpoint: url, signal })
        const error = (await opened.head().catch(thrown => thrown)) as OpsError
        assert.equal([error.code, error.hint.includes('GITHUB_TOKEN')], [5, isToken])
      },
    ).then(() => undefined),
  )
}

/** A repository whose only commit has these links, and a file in a folder. */
function linked(links: Record<string, string>): string {
  const work = mkdtempSync(join(home, 'linked-'))
  git('init', '--quiet', '--initial-branch=master', work)
  mkdirSync(join(work, 'app'))
  writeFileSync(join(work, 'app/package.json'), 'theirs')
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(work, name))
  git('-C', work, 'add', '--all')
  git('-C', work, ...identity, 'commit', '--quiet', '--message', 'links')
  const name = `l/${work.split('/').at(-1)}`
  mkdirSync(join(home, 'l'), { recursive: true })
  git('clone', '--quiet', '--bare', work, join(home, `${name}.git`))
  return name
}
const elsewhere = join(home, 'elsewhere')
for (const [why, links, path] of [
  ['a folder that is a link out', { nextjs: elsewhere }, 'nextjs/package.json'],
  ['a link to a link out', { nextjs: 'b', b: elsewhere }, 'nextjs/package.json'],
  ['a relative link out', { nextjs: '../../elsewhere' }, 'nextjs/package.json'],
  ['a file that is a link out', { file: join(elsewhere, 'package.json') }, 'file'],
  ['a link to nothing', { file: join(elsewhere, 'none') }, 'file'],
  ['a link to itself', { file: 'file' }, 'file'],
  ['a link to the whole', { nextjs: '.' }, 'nextjs/../../elsewhere/package.json'],
  ["a link into git's own folder", { nextjs: '.git' }, 'nextjs/config'],
  ["git's own folder", {}, '.git/config'],
  ["git's own folder to a file system without case", {}, '.GIT/config'],
  ['a way out', {}, '../elsewhere/package.json'],
  ['an absolute path', {}, elsewhere],
  ['nothing', {}, ''],
] as [string, Record<string, string>, string][]) {
  repository(`neither read nor written through: ${why}`, async () => {
    mkdirSync(elsewhere, { recursive: true })
    writeFileSync(join(elsewhere, 'package.json'), 'mine')
    await open('master', linked(links)).withClone(async clone => {
      assert.is(await codeOf(clone.read(path)), 4)
      assert.is(await codeOf(clone.write(path, 'theirs')), 4)
    })
    assert.is(readFileSync(join(elsewhere, 'package.json'), 'utf8'), 'mine')
    assert.equal(readdirSync(elsewhere), ['package.json'])
  })
}
repository('a link within it is followed', () =>
  open('master', linked({ nextjs: 'app' })).withClone(async clone => {
    assert.is(await clone.read('nextjs/package.json'), 'theirs')
    await clone.write('nextjs/package.json', 'ours')
    assert.is(await clone.read('app/package.json'), 'ours')
    assert.is(await clone.read('nextjs/none/at/all'), undefined)
    await clone.write('new/folder/file', 'ours')
    assert.is(await clone.read('new/folder/file'), 'ours')
  }),
)

const settings = { name: 'o/r', branch: 'master', token: undefined, signal: new AbortController().signal }
const opening = (change: Partial<Parameters<typeof openRepository>[0]>) => async () =>
  openRepository({ ...settings, ...change })
for (const [why, change] of [
  ['a branch that is an option', { branch: '--upload-pack=evil' }],
  ['a branch that is two refs', { branch: 'a:refs/heads/b' }],
  ['an address that is a command', { endpoint: 'ext::sh -c evil' }],
  ['an address that is an option', { endpoint: '-uevil' }],
  ['an address whose host is an option', { endpoint: 'ssh://-oProxyCommand=evil' }],
  ['an address whose user is an option', { endpoint: 'ssh://-oProxyCommand=evil@host' }],
  ['an address of the second form whose host is an option', { endpoint: '-oProxyCommand=evil:x' }],
  ['another helper', { endpoint: 'fd::17' }],
  ['an address without encryption or name', { endpoint: 'git://host' }],
] as const) {
  repository(`refused: ${why}`, async () => assert.is(await codeOf(opening(change)()), 3))
}
for (const endpoint of [
  'https://github.com',
  'http://127.0.0.1:8080',
  'ssh://git@host:22/path',
  'git@github.com:x',
  'file:///srv',
]) {
  repository(`an address: ${endpoint}`, async () => assert.is(await codeOf(opening({ endpoint })()), undefined))
}
for (const commit of ['--upload-pack=touch evil', '-x', 'HEAD', 'a:b', '0'.repeat(39)]) {
  repository(`no commit: ${commit}`, async () => assert.is(await codeOf(open().withClone(async () => undefined, commit)), 4))
}
repository.run()
