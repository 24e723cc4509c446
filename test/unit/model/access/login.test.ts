import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keysOfHost } from '../../../../lib/model/access/known-hosts.ts'
import { type Attributes, asksProject, osLogin, publishesHostKeys, validityOf } from '../../../../lib/model/access/login.ts'
import { loginName } from '../../../../lib/model/access/login-name.ts'

const NOW = new Date('2026-11-29T16:00:00Z')
const OWN = { user: 'tpo', key: 'ssh-rsa KKKK' }
const MINE = { 'ssh-keys': 'eve:ssh-rsa EEEE\ntpo:ssh-rsa KKKK me@laptop' }
const OLD = { sshKeys: 'tpo:ssh-rsa KKKK' }
const BLOCK = { 'block-project-ssh-keys': 'TRUE' }

const keys = suite('whether the metadata let a key in')
for (const [what, instance, project, there] of [
  ['nothing', {}, {}, false],
  ['by the instance', MINE, {}, true],
  ['by the project', {}, MINE, true],
  ['by the project, which is blocked', BLOCK, MINE, false],
  ['by the project, which is not blocked', { 'block-project-ssh-keys': 'false' }, MINE, true],
  ['by the instance, which blocks its project', { ...BLOCK, ...MINE }, {}, true],
  ['by the old entry of the instance', OLD, {}, true],
  ['by the old entry of the project', {}, OLD, true],
  ['by the project of an instance with an old entry', { sshKeys: 'eve:ssh-rsa EEEE' }, MINE, false],
  ['by the project of an instance whose old entry is empty', { sshKeys: '' }, MINE, true],
] as [string, Attributes, Attributes, boolean][]) {
  keys(what, () => assert.is(validityOf(OWN, { instance, project }, NOW) !== undefined, there))
}
keys.run()

const on = { 'enable-oslogin': 'TRUE' }
const off = { 'enable-oslogin': 'FALSE' }
const login = suite('OS Login')
for (const [what, instance, project, where] of [
  ['nowhere', {}, {}, undefined],
  ['of the instance', on, {}, 'instance'],
  ['of the project', {}, on, 'project'],
  ['of the project, turned off by the instance', off, on, undefined],
  ['of the instance, whatever the project says', on, off, 'instance'],
  ['in small letters', { 'enable-oslogin': 'true' }, {}, 'instance'],
  ['of the project of an instance that says nonsense', { 'enable-oslogin': 'maybe' }, on, 'project'],
] as [string, Attributes, Attributes, string | undefined][]) {
  login(what, () => assert.is(osLogin({ instance, project }), where))
}
login.run()

const published = suite('whether host keys are published')
const guest = (value: string) => ({ 'enable-guest-attributes': value })
for (const [what, instance, project, are] of [
  ['by nobody', {}, {}, false],
  ['by the instance', guest('TRUE'), {}, true],
  ['by the project', {}, guest('true'), true],
  ['not by the instance, whatever the project says', guest('FALSE'), guest('TRUE'), false],
] as [string, Attributes, Attributes, boolean][]) {
  published(what, () => assert.is(publishesHostKeys({ instance, project }), are))
}
published.run()

const asks = suite('whether the project is asked')
for (const [what, instance, asked] of [
  ['an instance that says everything', { ...BLOCK, ...off, ...guest('TRUE') }, false],
  ['one that takes its project’s keys', { ...off, ...guest('TRUE') }, true],
  ['one that does not say whether there is OS Login', { ...BLOCK, ...guest('TRUE') }, true],
  ['one that does not say whether there are guest attributes', { ...BLOCK, ...off }, true],
  ['one that says nothing', {}, true],
] as [string, Attributes, boolean][]) {
  asks(what, () => assert.is(asksProject(instance), asked))
}
asks.run()

const names = suite('the user on the VM')
for (const [local, name] of [
  ['tpo', 'tpo'],
  ['jane.doe', 'jane.doe'],
  ['Jane', 'Jane'],
  ['_svc-1', '_svc-1'],
  ['Jane Doe', 'jane_doe'],
  ['jörg', 'j_rg'],
  ['CORP\\jane', 'corp_jane'],
  ['1st', 'g1st'],
  ['-x', 'g_x'],
  ['x'.repeat(40), 'x'.repeat(32)],
] as const) {
  names(local, () => assert.is(loginName(local), name))
}
names.run()

const hosts = suite('what is known of a host')
const FILE = `# of gcloud
compute.1 ssh-ed25519 AAAA
other,compute.1 ecdsa-sha2-nistp256 BBBB a comment
compute.12 ssh-ed25519 CCCC
@revoked compute.1 ssh-ed25519 DDDD
|1|c2FsdA==|aGFzaA== ssh-ed25519 EEEE
compute.1 broken`
hosts('its own keys', () => assert.equal(keysOfHost(FILE, 'compute.1'), ['ssh-ed25519 AAAA', 'ecdsa-sha2-nistp256 BBBB']))
hosts('of another instance', () => assert.equal(keysOfHost(FILE, 'compute.12'), ['ssh-ed25519 CCCC']))
hosts('of none', () => assert.equal(keysOfHost(FILE, 'compute.2'), []))
hosts.run()
