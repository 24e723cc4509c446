import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseEnvironment } from '../../../lib/config/load.ts'
import type { Context } from '../../../lib/operation/context.ts'
import { keyStanding, refuseMissing, sshAccess } from '../../../lib/operation/ssh-access.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { readIfExists, root } from '../../../lib/runtime/files.ts'
import { failureOf } from '../support/layers.ts'

const lab = (await readIfExists(`${root}environments/lab.yaml`)) ?? ''
const OWN = / +ssh:\n +user: ops\n +identityFile: \S+\n/
const GOOGLE = join(homedir(), '.ssh/google_compute_engine')

/** The lab's environment with this in place of its `access.ssh`. */
const environment = (ssh: string) => parseEnvironment(lab.replace(OWN, ssh && `  ${ssh}\n`), 'environments/lab.yaml', 'lab')

const access = suite('which user logs in, with which key')
for (const [what, ssh, agent, wanted] of [
  ['nothing said', '', undefined, { user: 'tpo', identityFile: GOOGLE }],
  ['nothing said, with an agent', '', '/agent', { user: 'tpo', identityFile: GOOGLE }],
  ['said to be nothing', 'ssh: {}', undefined, { user: 'tpo', identityFile: GOOGLE }],
  [
    'both said',
    'ssh: { user: ops, identityFile: ~/.ssh/k }',
    '/agent',
    { user: 'ops', identityFile: join(homedir(), '.ssh/k') },
  ],
  ['a user', 'ssh: { user: ops }', '/agent', { user: 'ops' }],
  ['a user, without an agent', 'ssh: { user: ops }', undefined, { user: 'ops', identityFile: GOOGLE }],
  ['a key', 'ssh: { identityFile: ~/.ssh/k }', '/agent', { user: 'tpo', identityFile: join(homedir(), '.ssh/k') }],
  ['a user with a dot', 'ssh: { user: jane.doe }', '/agent', { user: 'jane.doe' }],
] as const) {
  access(what, () => assert.equal(sshAccess(environment(ssh), { agent, local: () => 'tpo' }), wanted))
}
access('root of this machine is none on the VM', () => {
  assert.match(lab, OWN)
  const failure = (ssh: string) => {
    try {
      return sshAccess(environment(ssh), { local: () => 'root' })
    } catch (error) {
      return error as OpsError
    }
  }
  const { code, hint } = failure('ssh: { identityFile: ~/.ssh/k }') as OpsError
  assert.is(code, 4)
  assert.match(hint, /environments\/lab\.yaml.*user/)
  assert.is((failure('ssh: { user: ops }') as { user: string }).user, 'ops')
})
access.run()

const folder = mkdtempSync(join(tmpdir(), 'standing-'))
const path = (name: string) => join(folder, name)
const keygen = (name: string, passphrase: string) =>
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'me', '-f', path(name)])
keygen('id', '')
keygen('other', '')
keygen('locked', 'correct horse')
keygen('locked-alone', 'correct horse')
rmSync(path('locked-alone.pub'))
const publicOf = (name: string) =>
  execFileSync('cat', [path(`${name}.pub`)], { encoding: 'utf8' })
    .split(' ')
    .slice(0, 2)
    .join(' ')

const asked = (identityFile: string, instance: Record<string, string> | undefined) =>
  ({
    environment: { name: 'lab', access: { ssh: { user: 'ops', identityFile: path(identityFile) } } },
    compute: async () => ({ login: async () => instance && { id: '1', instance, project: {} } }),
    output: async (_: string, name: string) => name,
    baseLayer: '00-vpc',
    now: () => new Date('2026-11-29T16:00:00Z'),
  }) as unknown as Pick<Context, 'environment' | 'compute' | 'output' | 'baseLayer' | 'now'>

const standing = suite('whether one’s own key is on the VM')
standing.after(() => rmSync(folder, { recursive: true }))
for (const name of ['id', 'locked']) {
  standing(`it is, by its public half: ${name}`, async () => {
    const found = await keyStanding(asked(name, { 'ssh-keys': `ops:${publicOf(name)} me@laptop` }))
    assert.equal(found?.validity, {})
    assert.is(found?.own.key, publicOf(name))
    if (found) refuseMissing(found)
  })
}
standing('it is not: what only looks says so', async () => {
  const found = await keyStanding(asked('id', { 'ssh-keys': `ops:${publicOf('other')}` }))
  assert.is(found?.validity, undefined)
  const { code, message, hint } = await failureOf((async () => found && refuseMissing(found))())
  assert.is(code, 4)
  assert.match(message, /key .*id is not on vm_name for user ops/)
  assert.match(hint, './taskw ssh')
  assert.match(hint, 'gcloud compute ssh ops@vm_name')
})
standing('the file itself says which key it is, not the one beside it', async () => {
  execFileSync('cp', [path('other.pub'), path('id.pub')])
  const found = await keyStanding(asked('id', {}))
  assert.is.not(found?.own.key, publicOf('other'))
})
standing('a file that keeps its public half to itself', async () =>
  assert.is(await keyStanding(asked('locked-alone', {})), undefined),
)
standing('there is no VM', async () => assert.is(await keyStanding(asked('id', undefined)), undefined))
standing('there is no key', async () => {
  const { code, message, hint } = await failureOf(keyStanding(asked('none', {})))
  assert.is(code, 4)
  assert.match(message, /there is no SSH key .*none/)
  assert.match(hint, `ssh-keygen -t ed25519 -f ${path('none')}`)
})
standing('OS Login', async () => {
  const failure = await failureOf(keyStanding(asked('none', { 'enable-oslogin': 'true' })))
  assert.instance(failure, OpsError)
  assert.is(failure.code, 4)
  assert.match(failure.hint, /add-metadata vm_name .*enable-oslogin=FALSE/)
})
standing.run()
