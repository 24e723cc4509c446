import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { proxyHeader } from '../../lab/machine/proxy-protocol.ts'
import { PROJECT, TestLab } from './support/lab.ts'

interface Context {
  lab: TestLab
}

const metadata = suite<Context>('metadata server')

metadata.before.each(async context => {
  context.lab = await TestLab.start()
  await context.lab.makeInstance()
})
metadata.after.each(({ lab }) => lab.stop())

interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

const NETWORK = `projects/${PROJECT}/global/networks/net`

interface Asked {
  method?: string
  body?: string
  flavor?: string
  source?: string
  network?: string
  host?: string
}

/** One request as it arrives from a machine, through the lab's forwarder. */
async function ask(
  lab: TestLab,
  path: string,
  {
    method = 'GET',
    body = '',
    flavor = 'Google',
    source = '10.142.0.2',
    network = NETWORK,
    host = 'metadata.google.internal',
  }: Asked = {},
) {
  const socket = connect(lab.metadataSocket)
  await once(socket, 'connect')
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, `Metadata-Flavor: ${flavor}`, 'Connection: close']
  socket.write(proxyHeader({ namespace: lab.hypervisor.namespaceOf(network), address: source }))
  socket.write(`${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  const [top = '', content = ''] = (await text(socket)).split('\r\n\r\n')
  const [status = '', ...headers] = top.split('\r\n')
  const fields = headers.map(line => line.split(': ') as [string, string])
  const answer: Answer = { status: Number(status.split(' ')[1]), headers: Object.fromEntries(fields), body: content }
  return answer
}

const INSTANCE = '/computeMetadata/v1/instance'

metadata('knows the machine by its network and address', async ({ lab }) => {
  assert.is((await ask(lab, `${INSTANCE}/name`)).body, 'threads-lab-vm')
  assert.is((await ask(lab, `${INSTANCE}/network-interfaces/0/ip`)).body, '10.142.0.2')
  assert.is((await ask(lab, '/computeMetadata/v1/project/project-id')).body, PROJECT)
  assert.is((await ask(lab, `${INSTANCE}/name`, { source: '10.142.0.99' })).status, 404)
  assert.is((await ask(lab, `${INSTANCE}/name`, { network: 'projects/p/global/networks/another' })).status, 404)
})

metadata('wants its header', async ({ lab }) => {
  assert.is((await ask(lab, `${INSTANCE}/name`, { flavor: 'none' })).status, 403)
})

metadata('lists directories and answers recursively', async ({ lab }) => {
  assert.match((await ask(lab, `${INSTANCE}/`)).body, /^attributes\/\n/)
  const { body, headers } = await ask(lab, `${INSTANCE}/?recursive=true&alt=json`)
  const tree = JSON.parse(body)
  assert.is(headers['content-type'], 'application/json')
  assert.is(tree.machineType.split('/').at(-1), 'e2-standard-2')
  assert.equal(tree.attributes, { 'enable-guest-attributes': 'TRUE' })
})

metadata('stores guest attributes for the API to read', async ({ lab }) => {
  const path = `${INSTANCE}/guest-attributes/hostkeys/ssh-ed25519`
  assert.is((await ask(lab, path, { method: 'PUT', body: 'AAAAC3' })).status, 200)
  assert.is((await ask(lab, path)).body, 'AAAAC3')
  const vm = 'zones/us-east1-b/instances/threads-lab-vm'
  const { queryValue } = await lab.compute('GET', `${vm}/getGuestAttributes?queryPath=hostkeys/`)
  assert.equal(queryValue, { items: [{ namespace: 'hostkeys', key: 'ssh-ed25519', value: 'AAAAC3' }] })
  await lab.restart()
  assert.is((await ask(lab, path)).body, 'AAAAC3')
})

for (const [what, own, project, status] of [
  ['by the instance', 'TRUE', 'FALSE', 200],
  ['by the project', undefined, 'TRUE', 200],
  ['not by the instance, whatever the project says', 'FALSE', 'TRUE', 403],
  ['by nobody', undefined, undefined, 403],
] as const) {
  metadata(`guest attributes are enabled ${what}`, async ({ lab }) => {
    const items = (value: string | undefined) => (value === undefined ? [] : [{ key: 'enable-guest-attributes', value }])
    const vm = 'zones/us-east1-b/instances/threads-lab-vm'
    const { metadata: before } = await lab.compute<{ metadata: { fingerprint: string } }>('GET', vm)
    await lab.done('POST', 'setCommonInstanceMetadata', { items: items(project) })
    await lab.done('POST', `${vm}/setMetadata`, { fingerprint: before.fingerprint, items: items(own) })
    const put = await ask(lab, `${INSTANCE}/guest-attributes/hostkeys/ssh-ed25519`, { method: 'PUT', body: 'AAAAC3' })
    assert.is(put.status, status)
  })
}

for (const [host, status] of [
  ['metadata.google.internal', 200],
  ['169.254.169.254', 200],
  ['metadata:80', 200],
  ['evil.example', 421],
] as const) {
  metadata(`asked as ${host}`, async ({ lab }) => assert.is((await ask(lab, `${INSTANCE}/name`, { host })).status, status))
}

metadata('waits for a change', async ({ lab }) => {
  const { headers } = await ask(lab, `${INSTANCE}/preempted`)
  const query = `wait_for_change=true&last_etag=${headers.etag}`
  const changed = ask(lab, `${INSTANCE}/preempted?${query}`)
  await lab.request('POST', '/lab/preempt', { project: PROJECT, instance: 'threads-lab-vm', graceSeconds: 1 })
  assert.is((await changed).body, 'TRUE')
  const waited = await ask(lab, `${INSTANCE}/name?wait_for_change=true&timeout_sec=1`)
  assert.is(waited.body, 'threads-lab-vm')
})

metadata.run()
