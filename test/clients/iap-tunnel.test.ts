// needs: gcloud ssh
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startSshd, type TestServer } from './host/sshd.ts'
import { CloudSdk } from './support/cloud-sdk.ts'
import { TestLab } from './support/lab.ts'

interface Context {
  lab: TestLab
  sdk: CloudSdk
  sshd: TestServer
}

const tunnel = suite<Context>('gcloud compute start-iap-tunnel')

tunnel.before.each(async context => {
  context.lab = await TestLab.start()
  context.sdk = await CloudSdk.for(context.lab)
  context.sshd = await startSshd()
  context.lab.hypervisor.ports.set(22, context.sshd.port)
  await context.lab.makeInstance('vm')
})
tunnel.after.each(async ({ lab, sshd }) => {
  await lab.stop()
  await sshd.stop()
})

/** gcloud asks nothing but TLS for a tunnel. */
const override = ({ google }: TestLab) => `--iap-tunnel-url-override=wss://127.0.0.1:${google.tlsPort}/v4`

/** What ssh prints of a command on the machine that a tunnel leads to. */
async function ssh({ lab, sdk, sshd }: Context, command: string): Promise<string> {
  const proxy = `gcloud compute start-iap-tunnel %h %p --listen-on-stdin --zone=us-east1-b ${override(lab)}`
  const options = {
    ProxyCommand: proxy,
    IdentityFile: sshd.identityFile,
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    LogLevel: 'ERROR',
  }
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const args = ['-F', 'none', ...flags, `${sshd.user}@vm`, command]
  const { stdout } = await promisify(execFile)('ssh', args, { env: sdk.env, timeout: 60_000 })
  return stdout
}

tunnel('carries ssh', async context => {
  assert.is(await ssh(context, 'echo "it is $((40 + 2))"'), 'it is 42\n')
})

tunnel('goes on by its session id when the connection breaks', async context => {
  const { lab, sshd } = context
  const content = randomBytes(24 * 1024 * 1024)
  await writeFile(join(sshd.directory, 'content'), content)
  // In halves: the break comes for certain between the first byte and the last.
  const script = `head -c 12M ${sshd.directory}/content; touch ${sshd.directory}/half; sleep 2; tail -c 12M ${sshd.directory}/content`
  const received = ssh(context, `(${script}) | sha256sum`)
  const slow = ssh(context, `for word in a b c d e f; do echo $word; sleep 0.5; done`)
  for (let cut = 0; cut < 3; cut++) {
    await sleep(1500)
    assert.is((await lab.request('POST', '/lab/tunnels/cut')).status, 204)
  }
  assert.is(await slow, 'a\nb\nc\nd\ne\nf\n')
  assert.match(await received, createHash('sha256').update(content).digest('hex'))
})

tunnel('gcloud compute ssh finds its way with keys in the metadata', async ({ lab, sdk, sshd }) => {
  const flags = `--tunnel-through-iap ${override(lab)} --ssh-key-file=${sshd.identityFile} --strict-host-key-checking=no`
  const output = await sdk.gcloud('compute', 'ssh', `${sshd.user}@vm`, ...flags.split(' '), '--command=echo found')
  assert.is(output, 'found\n')
  const { metadata } = await lab.compute<{ metadata: { items: { key: string; value: string }[] } }>(
    'GET',
    'zones/us-east1-b/instances/vm',
  )
  const project = await lab.compute<{ commonInstanceMetadata: { items?: { key: string; value: string }[] } }>('GET', '')
  const items = [...metadata.items, ...(project.commonInstanceMetadata.items ?? [])]
  assert.match(items.find(({ key }) => key === 'ssh-keys')?.value ?? '', `${sshd.user}:ssh-ed25519`)
})

/** A tunnel that listens on a port of loopback. */
async function listening({ lab, sdk }: Context, port: number): Promise<{ child: ChildProcess; local: number }> {
  const args = ['compute', 'start-iap-tunnel', 'vm', String(port), '--local-host-port=localhost:0', override(lab)]
  const child = spawn('gcloud', args, { env: sdk.env, stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  for await (const data of child.stdout) {
    said += data
    const local = /Listening on port \[(\d+)\]/.exec(said)?.[1]
    if (local) return { child, local: Number(local) }
  }
  throw new Error('the tunnel has ended')
}

async function echoServer(): Promise<{ server: Server; port: number }> {
  const server = createServer(socket => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

tunnel('listens on a local port, and refuses what the firewall drops', async context => {
  const { lab, sdk } = context
  const echo = await echoServer()
  lab.hypervisor.ports.set(6443, echo.port)
  const { child, local } = await listening(context, 6443)
  const socket = connect(local, '127.0.0.1')
  socket.write('hello')
  assert.is(String((await once(socket, 'data', { signal: AbortSignal.timeout(60_000) }))[0]), 'hello')
  socket.destroy()
  const exited = once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
  child.kill()
  await exited
  echo.server.close()
  const refused = await sdk.failure(`compute start-iap-tunnel vm 80 --local-host-port=localhost:0 ${override(lab)}`)
  assert.match(refused, "4003: 'failed to connect to backend'")
  await lab.done('POST', 'zones/us-east1-b/instances/vm/stop')
  const stopped = await sdk.failure(`compute start-iap-tunnel vm 22 --local-host-port=localhost:0 ${override(lab)}`)
  assert.match(stopped, "4047: 'lookup failed'")
})

tunnel.run()
