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
import { openJournal } from '../../../../lib/runtime/journal.ts'

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
