import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse, stringify } from 'yaml'
import { kubeconfig } from '../../../../lib/phases/k0s/kubeconfig.ts'
import { redact } from '../../../../lib/runtime/redact.ts'
import { failureOf } from '../../support/layers.ts'
import { type Answers, contextOn, fakeVm, HEALTHY, STOPPED } from './fixture.ts'

const base64 = (content: string) => Buffer.from(content).toString('base64')
const KEY = base64('the private key')
/** As `k0s kubeconfig admin` prints it. */
const ADMIN = stringify({
  clusters: [
    { name: 'local', cluster: { server: 'https://10.142.0.2:6443', 'certificate-authority-data': base64('the authority') } },
  ],
  users: [{ name: 'user', user: { 'client-certificate-data': base64('the administrator'), 'client-key-data': KEY } }],
  contexts: [{ name: 'Default', context: { cluster: 'local', user: 'user' } }],
})
const OTHER = {
  clusters: [{ name: 'other', cluster: { server: 'https://other' } }],
  users: [{ name: 'other', user: { token: 't' } }],
  contexts: [{ name: 'other', context: { cluster: 'other', user: 'other' } }],
  'current-context': 'other',
}

const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
let files = 0
/** A VM, and a file of its own that is to be the kubeconfig, with this content if any. */
function on(answers: Answers, content?: string) {
  const path = join(directory, `config-${files++}`)
  if (content !== undefined) writeFileSync(path, content, { mode: 0o600 })
  const { context, outputs } = contextOn(fakeVm({ ...answers, kubeconfig: answers.kubeconfig ?? ADMIN }))
  Object.assign(outputs, { kubeconfig_path: path, kube_context: 'threads-lab', api_local_port: '16443' })
  return { context, path }
}
const modeOf = (path: string) => statSync(path).mode & 0o777

const phase = suite('kubeconfig')
phase.after(() => rmSync(directory, { recursive: true }))

phase('k0s has made no certificates yet: nobody can say', async () => {
  const { context } = on(STOPPED)
  assert.equal(await kubeconfig().check(context), { state: 'unknown', needs: 'k0s to have made its certificates' })
})
phase('there is no file: the context is to be added; a check writes nothing', async () => {
  const { context, path } = on(HEALTHY)
  assert.equal(await kubeconfig().check(context), { state: 'todo', changes: [`${path}: add context threads-lab`] })
  assert.is(existsSync(path), false)
})
phase('is written for its owner alone, through the tunnel; then it is done', async () => {
  const { context, path } = on(HEALTHY)
  assert.equal(await kubeconfig().run(context), { path, context: 'threads-lab' })
  assert.is(modeOf(path), 0o600)
  const written = parse(readFileSync(path, 'utf8'))
  assert.is(written.clusters[0].cluster.server, 'https://127.0.0.1:16443')
  assert.is(written['current-context'], 'threads-lab')
  assert.equal(await kubeconfig().check(context), { state: 'done', evidence: { path, context: 'threads-lab' } })
  assert.is(existsSync(`${path}.old`), false)
})
phase('what else the file holds stays, and the file before is kept', async () => {
  const { context, path } = on(HEALTHY, stringify(OTHER))
  await kubeconfig().run(context)
  const written = parse(readFileSync(path, 'utf8'))
  assert.equal(
    written.contexts.map(({ name }: { name: string }) => name),
    ['other', 'threads-lab'],
  )
  assert.is(written['current-context'], 'other')
  assert.is(readFileSync(`${path}.old`, 'utf8'), stringify(OTHER))
  assert.is(modeOf(`${path}.old`), 0o600)
})
phase('of a cluster that was made anew the certificates are others', async () => {
  const { context, path } = on(HEALTHY)
  await kubeconfig().run(context)
  const anew = on({ ...HEALTHY, 'pki/ca.crt': 'another authority' }, readFileSync(path, 'utf8'))
  assert.equal(await kubeconfig().check(anew.context), {
    state: 'todo',
    changes: [`${anew.path}: cluster threads-lab: another certificate authority`],
  })
})
phase('a file that others may read is to be closed', async () => {
  const { context, path } = on(HEALTHY)
  await kubeconfig().run(context)
  chmodSync(path, 0o644)
  const closed = { state: 'todo', changes: [`${path}: readable by its owner only`] }
  assert.equal(await kubeconfig().check(context), closed)
  await kubeconfig().run(context)
  assert.is(modeOf(path), 0o600)
})
for (const content of ['- a list', 'a: [torn']) {
  phase(`somebody’s file that is no kubeconfig (${content}) is not overwritten`, async () => {
    const { context, path } = on(HEALTHY, content)
    for (const step of [kubeconfig().check, kubeconfig().run]) {
      const { code, hint } = await failureOf(step(context))
      assert.is(code, 3)
      assert.match(hint, 'move it away')
    }
    assert.is(readFileSync(path, 'utf8'), content)
  })
}
phase('what k0s prints without credentials is not used', async () => {
  const { context, path } = on({ ...HEALTHY, kubeconfig: 'clusters: []' })
  const { code, message } = await failureOf(kubeconfig().run(context))
  assert.is(code, 5)
  assert.match(message, 'of k0s on vm')
  assert.is(existsSync(path), false)
})
phase('its key is shown nowhere from then on', async () => {
  await kubeconfig().run(on(HEALTHY).context)
  assert.not.match(redact(`the key is ${KEY}`), KEY)
})
phase.run()
