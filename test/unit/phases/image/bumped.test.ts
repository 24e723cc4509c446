import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bumped } from '../../../../lib/phases/image/bumped.ts'
import { remembered } from '../../../../lib/phases/image/remembered.ts'
import { Rollout, type RolloutContext } from '../../../../lib/phases/image/rollout.ts'
import { precondition } from '../../../../lib/runtime/errors.ts'
import { openJournal } from '../../../../lib/runtime/journal.ts'
import { failureOf } from '../../support/layers.ts'

const ENV = `bumped-${process.pid}`
const home = mkdtempSync(join(tmpdir(), 'threads-ops-bumped-'))
const bare = join(home, 'o/r.git')
const work = join(home, 'work')
const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']

const versionFile = (service: string) => join(work, service, 'package.json')

/** Two commits of the same second are told apart by it. */
let commits = 0

/** A pushed commit that gives a service this version. */
function pushed(service: string, version: string, { push = true } = {}): string {
  mkdirSync(join(work, service), { recursive: true })
  writeFileSync(versionFile(service), JSON.stringify({ name: service, version }))
  git('-C', work, 'add', '--all')
  git('-C', work, ...identity, 'commit', '--quiet', '--allow-empty', '--message', `${service}: ${version}, ${++commits}`)
  const sha = git('-C', work, 'rev-parse', 'HEAD')
  if (push) git('-C', work, 'push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main')
  else git('-C', work, 'reset', '--quiet', '--hard', 'HEAD~1')
  return sha
}

const service = (folder: string) => ({ folder, versionFile: 'package.json', image: `host/${folder}` })
const context = {
  environment: {
    name: ENV,
    delivery: { repository: 'o/r', branch: 'main', services: { one: service('one'), two: service('two') } },
  },
  endpoints: { git: `file://${home}` },
  credentials: { token: async () => 'a-token' },
  signal: new AbortController().signal,
  log: { info: () => undefined },
  now: () => new Date(),
  progress: () => undefined,
} as unknown as RolloutContext &
  Parameters<ReturnType<typeof bumped>['check']>[0] &
  Parameters<ReturnType<typeof remembered>['check']>[0]

const journals: string[] = []
let at = Date.parse('2026-01-01T00:00:00Z')

/** A run that knew of a bump and was killed, or ended with this exit code. */
async function ran(bump: { service: string; to: string; sha: string }, { isKnownPushed = true, exitCode = -1 } = {}) {
  at += 60_000
  const journal = await openJournal({ verb: 'image:bump', env: ENV, operator: 'a@b', gitSha: 'x', args: {}, now: new Date(at) })
  journals.push(journal.directory)
  const time = new Date(at).toISOString()
  const evidence = isKnownPushed ? { branch: 'main' } : null
  await journal.fact('bump', { ...bump, from: '1.0.0', pushed: { at: time, before: time, error: 0, evidence } })
  if (exitCode >= 0) await journal.end(exitCode as 0)
}

const asked = async (name: string, to = 'patch') => {
  const rollout = new Rollout(context)
  const found = await bumped(rollout, { service: name, to, force: false }).check(context)
  return found.state === 'done' ? `resumes ${rollout.bump?.to}` : found.state === 'todo' ? found.changes[0] : found.state
}

const bump = suite('a bump that is repeated')
bump.before(() => {
  mkdirSync(bare, { recursive: true })
  git('init', '--quiet', '--bare', '--initial-branch=main', bare)
  git('-C', bare, 'config', 'uploadpack.allowFilter', 'true')
  git('clone', '--quiet', bare, work)
})
bump.before.each(() => {
  pushed('one', '1.0.0')
  pushed('two', '1.0.0')
})
bump.after.each(async () => {
  await Promise.all(journals.splice(0).map(folder => rm(folder, { recursive: true })))
})
bump.after(() => rmSync(home, { recursive: true, force: true }))

const RAISED = 'one/package.json: 1.0.0 → 1.0.1'
const AGAIN = 'one/package.json: 1.0.1 → 1.0.2'
for (const isKnownPushed of [true, false]) {
  const killed = isKnownPushed ? 'killed after its push' : 'killed in its push'
  const raise = async (push = true) =>
    ran({ service: 'one', to: '1.0.1', sha: pushed('one', '1.0.1', { push }) }, { isKnownPushed })

  bump(`${killed}: goes on`, async () => {
    await raise()
    assert.is(await asked('one'), 'resumes 1.0.1')
  })
  bump(`${killed}, another service's bump since: goes on`, async () => {
    await raise()
    await ran({ service: 'two', to: '1.0.1', sha: pushed('two', '1.0.1') }, { exitCode: 0 })
    assert.is(await asked('one'), 'resumes 1.0.1')
    assert.is(await asked('one', '1.0.1'), 'resumes 1.0.1')
  })
  bump(`${killed}, somebody's commit since: goes on`, async () => {
    await raise()
    pushed('other', '1.0.0')
    assert.is(await asked('one'), 'resumes 1.0.1')
  })
  bump(`${killed}, another version asked for: raises it`, async () => {
    await raise()
    assert.is(await asked('one', '2.0.0'), 'one/package.json: 1.0.1 → 2.0.0')
  })
  bump(`${killed}, and taken back since: raises it`, async () => {
    await raise()
    pushed('one', '1.0.0')
    assert.is(await asked('one'), RAISED)
  })
  bump(`${killed}, and forced off the branch since: raises it`, async () => {
    await raise(false)
    pushed('one', '1.0.1')
    assert.is(await asked('one'), AGAIN)
  })
}
bump('the one before it, once a later one of the same service is done, is over', async () => {
  await ran({ service: 'one', to: '1.0.1', sha: pushed('one', '1.0.1') })
  await ran({ service: 'one', to: '1.0.2', sha: pushed('one', '1.0.2') }, { exitCode: 0 })
  assert.is(await asked('one'), 'one/package.json: 1.0.2 → 1.0.3')
})
bump('its watcher follows one that was killed in its push, whoever has pushed since', async () => {
  await ran({ service: 'one', to: '1.0.1', sha: pushed('one', '1.0.1') }, { isKnownPushed: false })
  pushed('other', '2.0.0')
  assert.is((await remembered(new Rollout(context)).check(context)).state, 'done')
})
bump.run()

const BUILT_AGAIN = 'chore(one): build again'
const touches = suite('a touch')
touches.before(() => {
  mkdirSync(bare, { recursive: true })
  git('init', '--quiet', '--bare', '--initial-branch=main', bare)
  git('-C', bare, 'config', 'uploadpack.allowFilter', 'true')
  git('clone', '--quiet', bare, work)
})
touches.before.each(() => {
  pushed('one', '1.0.0')
})
touches.after.each(async () => {
  await Promise.all(journals.splice(0).map(folder => rm(folder, { recursive: true })))
})
touches.after(() => rmSync(home, { recursive: true, force: true }))

const TOUCH = { service: 'one', to: 'patch', touch: true, force: false }
const touch = (rollout = new Rollout(context)) => bumped(rollout, TOUCH)
const head = () => git('-C', bare, 'rev-parse', 'main')
const ofHead = (...args: string[]) => git('-C', bare, 'log', '-1', ...args, 'main')

touches('says what it would do, and does nothing', async () => {
  const before = head()
  assert.equal(await touch().check(context), {
    state: 'todo',
    changes: [`empty commit "${BUILT_AGAIN}"`, 'push to main of o/r'],
  })
  assert.is(head(), before)
})
touches('pushes an empty commit, after asking, and follows it', async () => {
  const before = head()
  const asked: unknown[] = []
  const rollout = new Rollout(context)
  const phase = touch(rollout)
  const evidence = await phase.run({ ...context, consent: async request => void asked.push(request) })
  assert.equal(asked, [{ question: 'Push an empty commit for one to main of o/r', destroys: false }])
  assert.equal([ofHead('--format=%s'), ofHead('--format=%P'), ofHead('--format=', '--name-only')], [BUILT_AGAIN, before, ''])
  assert.is(rollout.bump?.sha, head())
  assert.match(phase.summary?.(evidence) ?? '', /^built again, [0-9a-f]{12}$/)
})
touches('without the consent nothing is pushed', async () => {
  const before = head()
  const refuse = async () => {
    throw precondition('not confirmed', 'again')
  }
  assert.is((await failureOf(touch().run({ ...context, consent: refuse }))).code, 4)
  assert.is(head(), before)
})
const touchedCommit = () => {
  git('-C', work, ...identity, 'commit', '--quiet', '--allow-empty', '--message', `${BUILT_AGAIN}, ${++commits}`)
  git('-C', work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main')
  return git('-C', work, 'rev-parse', 'HEAD')
}
touches('one that was killed goes on', async () => {
  await ran({ service: 'one', to: '', sha: touchedCommit() })
  assert.is((await touch().check(context)).state, 'done')
})
touches('one that is done is made again', async () => {
  await ran({ service: 'one', to: '', sha: touchedCommit() }, { exitCode: 0 })
  assert.is((await touch().check(context)).state, 'todo')
})
touches('a bump that was killed is not a touch, nor the other way round', async () => {
  await ran({ service: 'one', to: '1.0.1', sha: pushed('one', '1.0.1') })
  assert.is((await touch().check(context)).state, 'todo')
  await ran({ service: 'one', to: '', sha: touchedCommit() })
  assert.is(await asked('one'), AGAIN)
})
for (const [why, text] of [
  ['no version', '{"name": "one"}'],
  ['a version of a dependency alone', '{"dependencies": {"version": "1.0.0"}}'],
] as const) {
  touches(`a plain bump of a service with ${why} suggests it`, async () => {
    writeFileSync(versionFile('one'), text)
    git('-C', work, ...identity, 'commit', '--quiet', '--all', '--message', `${why}, ${++commits}`)
    git('-C', work, 'push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main')
    const plain = bumped(new Rollout(context), { service: 'one', to: 'patch', force: false })
    const { code, message, hint } = await failureOf(Promise.resolve(plain.check(context)))
    assert.is(code, 4)
    assert.match(message, 'one/package.json holds no version of one')
    assert.match(hint, './taskw image:bump -- --service one --touch')
    assert.is((await touch().check(context)).state, 'todo')
  })
}
touches('a plain bump of a service for which no file is named suggests it, too', async () => {
  const unnamed = { ...service('one'), versionFile: undefined }
  const delivery = { ...context.environment.delivery, services: { one: unnamed } }
  const nameless = { ...context, environment: { ...context.environment, delivery } } as typeof context
  const plain = bumped(new Rollout(nameless), { service: 'one', to: 'patch', force: false })
  const { code, message, hint } = await failureOf(Promise.resolve(plain.check(nameless)))
  assert.equal([code, message], [4, 'delivery.services names no versionFile of one'])
  assert.match(hint, './taskw image:bump -- --service one --touch')
  assert.is((await touch(new Rollout(nameless)).check(nameless)).state, 'todo')
})
touches.run()
