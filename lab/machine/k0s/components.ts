import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXTENDER_PORT } from '../node-agent/extender.ts'
import { garbage, THRIFTY } from '../process.ts'
import { type ClusterConfig, databaseOf } from './config.ts'
import { K0sError } from './errors.ts'

/** A part of the control plane: one process that k0s keeps running. */
export interface Component {
  name: string
  /** Name in the catalogue of programs, or the path of a program that the machine has anyway. */
  program: { catalogued: string } | { path: string }
  args: string[]
  environment?: Record<string, string>
  /** Answers 200 once the component is ready for the next one to start. */
  ready?: string | { socketPath: string; path: string }
}

export interface Plane {
  config: ClusterConfig
  dataDir: string
  nodeName: string
  nodeAddress: string
  labels: Record<string, string>
}

export const RUN_DIRECTORY = '/run/k0s'
/** Where etcd listens, for root alone: pods share the machine's network, and k0s's own etcd wants certificates on its port. */
export const ETCD = join(RUN_DIRECTORY, 'etcd.sock')
export const SCHEDULER_CONFIG = join(RUN_DIRECTORY, 'scheduler.json')
const POD_CIDR = '10.244.0.0/16'
const SERVICE_CIDR = '10.96.0.0/12'

/** The scheduler's configuration: an extender in the node agent can make pods unschedulable. */
export const schedulerConfig = (dataDir: string): object => ({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  clientConnection: { kubeconfig: join(dataDir, 'pki/scheduler.conf') },
  leaderElection: { leaderElect: false },
  enableProfiling: false,
  extenders: [
    // Without the agent, pods are scheduled as usual.
    { urlPrefix: `http://127.0.0.1:${EXTENDER_PORT}`, filterVerb: 'filter', nodeCacheCapable: true, ignorable: true },
  ],
})

/**
 * What keeps the cluster's state, and where. The lab has no kine: in its place runs etcd, whose data is a folder where SQLite's
 * database would be.
 * @throws K0sError for another database than SQLite
 */
export function storeOf({ spec: { storage } }: ClusterConfig, dataDir: string): { name: 'etcd' | 'kine'; folder: string } {
  if (storage.type !== 'kine') return { name: 'etcd', folder: join(dataDir, 'etcd') }
  const { dataSource = '' } = storage.kine ?? {}
  const folder = databaseOf(dataSource, dataDir)
  if (!folder) throw new K0sError(`unsupported kine data source: the lab has only SQLite: ${dataSource}`)
  return { name: 'kine', folder }
}

/** In the order in which they start. */
export function components({ config, dataDir, nodeName, nodeAddress, labels }: Plane): Component[] {
  const pki = join(dataDir, 'pki')
  const { api } = config.spec
  const store = storeOf(config, dataDir)
  const extraArgs = Object.entries(api.extraArgs ?? {}).map(([name, value]) => `--${name}=${value}`)
  return [
    {
      name: store.name,
      program: { catalogued: 'etcd' },
      args: [
        `--name=${nodeName}`,
        `--data-dir=${store.folder}`,
        `--listen-client-urls=unix://${ETCD}`,
        `--listen-peer-urls=unix://${join(RUN_DIRECTORY, 'etcd-peers.sock')}`,
        // Etcd accepts nothing but ports here; there is nobody whom it could tell.
        '--advertise-client-urls=http://127.0.0.1:2379',
        '--initial-advertise-peer-urls=http://127.0.0.1:2380',
        `--initial-cluster=${nodeName}=http://127.0.0.1:2380`,
        '--log-level=warn',
        // A machine can lose its processes but never what it has written: its disk is a file of the host's.
        '--unsafe-no-fsync',
      ],
      environment: THRIFTY,
      ready: { socketPath: ETCD, path: '/health' },
    },
    {
      name: 'kube-apiserver',
      program: { catalogued: 'kube-apiserver' },
      args: [
        `--etcd-servers=unix://${ETCD}`,
        `--advertise-address=${api.address}`,
        `--secure-port=${api.port}`,
        `--service-cluster-ip-range=${SERVICE_CIDR}`,
        `--tls-cert-file=${pki}/server.crt`,
        `--tls-private-key-file=${pki}/server.key`,
        `--client-ca-file=${pki}/ca.crt`,
        `--service-account-key-file=${pki}/sa.pub`,
        `--service-account-signing-key-file=${pki}/sa.key`,
        '--service-account-issuer=https://kubernetes.default.svc',
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--allow-privileged=true',
        '--anonymous-auth=false',
        `--kubelet-certificate-authority=${pki}/ca.crt`,
        `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
        `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
        '--kubelet-preferred-address-types=InternalIP',
        // Passes `kubectl exec` on to the node agent over the WebSocket, instead of translating it to SPDY.
        '--feature-gates=TranslateStreamCloseWebsocketRequests=false',
        // The cache runs a timer per kind and second, half of the work of an idle API server; etcd is fast enough for one node.
        '--watch-cache=false',
        ...extraArgs,
      ],
      // It holds the schemas of every custom resource: with Go's default garbage collection it needs over 600 MB.
      environment: garbage(25),
      ready: `https://127.0.0.1:${api.port}/readyz`,
    },
    {
      name: 'kube-controller-manager',
      program: { catalogued: 'kube-controller-manager' },
      args: [
        `--kubeconfig=${pki}/ccm.conf`,
        `--service-account-private-key-file=${pki}/sa.key`,
        `--root-ca-file=${pki}/ca.crt`,
        `--cluster-signing-cert-file=${pki}/ca.crt`,
        `--cluster-signing-key-file=${pki}/ca.key`,
        '--use-service-account-credentials=true',
        '--allocate-node-cidrs=true',
        `--cluster-cidr=${POD_CIDR}`,
        '--bind-address=127.0.0.1',
        '--leader-elect=false',
        '--profiling=false',
        // This controller looks for disks to attach ten times a second, and there are none.
        '--controllers=*,-persistentvolume-attach-detach-controller',
      ],
      environment: THRIFTY,
    },
    {
      name: 'kube-scheduler',
      program: { catalogued: 'kube-scheduler' },
      args: [`--config=${SCHEDULER_CONFIG}`, '--bind-address=127.0.0.1'],
      environment: THRIFTY,
    },
    {
      name: 'kwok',
      program: { catalogued: 'kwok' },
      args: [
        `--kubeconfig=${pki}/admin.conf`,
        `--config=${fileURLToPath(new URL('./stages.yaml', import.meta.url))}`,
        `--manage-single-node=${nodeName}`,
        `--node-ip=${nodeAddress}`,
        '--node-lease-duration-seconds=40',
        '--server-address=127.0.0.1:10247',
      ],
      environment: THRIFTY,
    },
    {
      name: 'kubelet',
      program: { path: '/usr/local/lab/node' },
      args: [fileURLToPath(new URL('../node-agent/main.ts', import.meta.url))],
      environment: {
        KUBECONFIG: `${pki}/admin.conf`,
        DATA_DIR: dataDir,
        NODE_NAME: nodeName,
        NODE_ADDRESS: nodeAddress,
        NODE_LABELS: JSON.stringify(labels),
      },
    },
  ]
}
