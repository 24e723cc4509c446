import { parseArgs } from 'node:util'
import { askSocket } from './ask.ts'
import { ETCD } from './components.ts'
import { loadConfig } from './controller.ts'
import { K0sError } from './errors.ts'
import { requireRoot } from './service.ts'
import { askStatus } from './status.ts'

interface Member {
  ID: string
  name: string
}

/**
 * `k0s etcd member-list` and `leave`, answered by etcd itself; its only member is this node.
 * @throws K0sError when the cluster stores with kine
 */
export async function handleEtcd(args: readonly string[]): Promise<void> {
  requireRoot()
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'data-dir': { type: 'string' },
      datadir: { type: 'string' },
      'peer-address': { type: 'string' },
      output: { type: 'string', short: 'o' },
    },
  })
  const [verb = ''] = positionals
  const { storage } = (
    (await askStatus().catch(() => undefined))?.ClusterConfig ??
    loadConfig({ single: false, dataDir: values['data-dir'] ?? '/var/lib/k0s' })
  ).spec
  if (storage.type !== 'etcd') throw new K0sError(`wrong storage type: ${storage.type}`)
  if (verb === 'member-list') {
    const members = await list()
    process.stdout.write(`${JSON.stringify({ members: Object.fromEntries(members.map(({ name, url }) => [name, url])) })}\n`)
  } else if (verb === 'leave') await leave(values['peer-address'])
  else throw new K0sError(`unknown command "${verb}" for "k0s etcd"`)
}

/** Members with the peer addresses that k0s gives them; here etcd does not listen for peers. */
async function list(): Promise<(Member & { url: string })[]> {
  const { members } = (await call('list')) as { members: Member[] }
  const status = await askStatus()
  const { api, storage } = status.ClusterConfig.spec
  const url = `https://${storage.etcd?.peerAddress ?? api.address}:2380`
  return members.map(member => ({ ...member, url }))
}

async function leave(address: string | undefined): Promise<void> {
  const members = await list()
  const member = members.find(({ url }) => address === undefined || url === `https://${address}:2380`)
  if (!member) throw new K0sError('peer not found')
  await call('remove', { ID: member.ID })
}

/** https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/ */
async function call(what: 'list' | 'remove', body: object = {}): Promise<unknown> {
  const path = `/v3/cluster/member/${what}`
  const response = await askSocket({ socketPath: ETCD, method: 'POST', path }, body).catch(() => {
    throw new K0sError(`can't list etcd cluster members: context deadline exceeded`)
  })
  const answer = JSON.parse(response.body) as { message?: string }
  if (!response.ok) throw new K0sError(String(answer.message))
  return answer
}
