import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { $ } from 'zx/core'
import { k0sBinary } from '../../../lab/machine/k0s/shim.ts'
import { dialThroughIap } from '../../../lib/google/iap.ts'
import { root } from '../../../lib/runtime/files.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { endpointVariables, type GoogleEndpoints } from '../../../lib/terraform/environment.ts'
import type { Checkout } from './checkout.ts'

/** Where it is; the end of the bucket's name is random, as the original's. */
export const PLACE = { project: 'web-service-staging', zone: 'us-east1-b', bucket: 'threads-tfstate-5f0c7a19' }
export const VM = 'threads-prod-vm'
const LAYERS = ['00-vpc', '01-k8s', '02-argocd-app', '03-cloudflare'] as const
const API_PORT = 6443

/** An existing system in a checkout's lab, made by its own Terraform tree (test/original), and the machine of who made it. */
export interface Original {
  /** The application's repository, which holds the tree. */
  repository: string
  /** The owner's home directory, with gcloud's SSH key and the kubeconfig. */
  home: string
  /** The local port that the owner's tunnel to the API has. */
  port: number
  /** Plain `terraform`, in the root of a layer. @returns its output */
  terraform(layer: string, ...args: string[]): Promise<string>
  /** The owner's own kubectl, with the owner's own tunnel, such as `gcloud compute start-iap-tunnel`. @returns its output */
  kubectl(...args: string[]): Promise<string>
  /** What is not as it was committed: `git status`. */
  changes(): Promise<string>
  remove(): Promise<void>
}

/**
 * Makes the system from nothing with plain Terraform. The process's home is the owner's from then on.
 * @param checkout with its lab's stand-ins up, and nothing in the second project
 */
export async function makeOriginal({ directory }: Pick<Checkout, 'directory'>): Promise<Original> {
  const endpoints = JSON.parse(await readFile(join(directory, '.lab/endpoints.json'), 'utf8')) as Endpoints
  const token = (await readFile(join(directory, '.lab/token'), 'utf8')).trim()
  const home = await ownersHome()
  const folder = await mkdtemp(join(tmpdir(), 'original-'))
  const repository = join(folder, 'threads-nextjs')
  await cp(join(root, 'test/original'), repository, { recursive: true })
  await writeVariables(repository, directory)
  const git = $({ quiet: true, cwd: repository })
  const env = {
    ...process.env,
    ...endpointVariables(endpoints),
    GOOGLE_OAUTH_ACCESS_TOKEN: token,
    TF_CLI_CONFIG_FILE: join(directory, '.lab/terraform.rc'),
    TF_IN_AUTOMATION: 'true',
  }
  const terraform = async (layer: string, ...args: string[]): Promise<string> => {
    const cwd = join(repository, 'terraform', layer, 'envs/prod')
    return (await $({ quiet: true, cwd, env })`${join(directory, '.lab/bin/terraform')} ${args}`).stdout
  }
  const apply = async (layer: string): Promise<void> => {
    await terraform(layer, 'init', '-input=false', '-backend-config=../../../backend-config.hcl')
    await terraform(layer, 'apply', '-input=false', '-auto-approve')
  }

  await created(`${endpoints.storage}/storage/v1/b?project=${PLACE.project}`, token, {
    name: PLACE.bucket,
    location: 'US-EAST1',
  })
  await apply('00-vpc')
  const port = await freePort()
  const kubeconfig = await adminKubeconfig(directory)
  await mkdir(join(home, '.kube'))
  await writeFile(
    join(home, '.kube/config-threads-k0s'),
    kubeconfig.replace(/^( +server: ).*$/m, `$1https://localhost:${port}`),
    { mode: 0o600 },
  )
  const tunnel = ownersTunnel(endpoints.iapRelay, token, port)
  await tunnel.open()
  for (const layer of LAYERS.slice(1)) await apply(layer)
  const kubectl = async (...args: string[]): Promise<string> => {
    await tunnel.open()
    try {
      const config = ['--kubeconfig', join(home, '.kube/config-threads-k0s'), '--context', 'Default']
      return (await $({ quiet: true })`${join(directory, '.lab/bin/kubectl')} ${config} ${args}`).stdout
    } finally {
      await tunnel.close()
    }
  }
  await tunnel.close()
  await kubectl(
    '-n',
    'argocd',
    'wait',
    '--for=jsonpath={.status.health.status}=Healthy',
    '--timeout=300s',
    'application/threads',
  )

  await git`git init --quiet --initial-branch=master`
  await git`git add --all`
  await git`git -c user.name=owner -c user.email=owner@localhost commit --quiet --message ${'The application and its infrastructure'}`
  return {
    repository,
    home,
    port,
    terraform,
    kubectl,
    changes: async () => (await git`git status --porcelain`).stdout,
    async remove() {
      await rm(folder, { recursive: true, force: true })
      await rm(home, { recursive: true, force: true })
    },
  }
}

type Endpoints = GoogleEndpoints & { iapRelay: string }

/** A home directory with gcloud's key in it. What has been built stays where it is. */
async function ownersHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'home-'))
  process.env.XDG_CACHE_HOME ||= join(homedir(), '.cache')
  process.env.HOME = home
  delete process.env.SSH_AUTH_SOCK
  await mkdir(join(home, '.ssh'), { mode: 0o700 })
  await $({ quiet: true })`ssh-keygen -q -t rsa -N ${''} -f ${join(home, '.ssh/google_compute_engine')}`
  return home
}

/** What is not committed. */
async function writeVariables(repository: string, directory: string): Promise<void> {
  const write = (path: string, variables: Record<string, string>) => {
    const lines = Object.entries(variables).map(([name, value]) =>
      value.includes('\n') ? `${name} = <<-EOT\n${value}\nEOT\n` : `${name} = ${JSON.stringify(value)}\n`,
    )
    return writeFile(join(repository, 'terraform', path), lines.join(''))
  }
  const variables = (layer: string) => `${layer}/envs/prod/terraform.tfvars`
  const install = `install -m 755 /dev/stdin /usr/local/bin/k0s <<'K0S'\n${k0sBinary('v1.34.0+k0s.0').trimEnd().replaceAll('${', '$${')}\nK0S`
  await write('backend-config.hcl', { bucket: PLACE.bucket })
  await write(variables('00-vpc'), { project_id: PLACE.project, k0s_install: install, kubectl_setup_command: 'true' })
  await write(variables('01-k8s'), {
    backend_bucket: PLACE.bucket,
    charts: join(directory, '.lab/charts'),
    gcr_json_key: '{"type": "service_account"}',
    image_updater_interval: '10s',
  })
  await write(variables('02-argocd-app'), {
    backend_bucket: PLACE.bucket,
    repository: 'http://git.lab/threads-ops.git',
    revision: 'main',
    path: 'test/original/k8s/base',
  })
  await write(variables('03-cloudflare'), { backend_bucket: PLACE.bucket, cloudflare_api_token: 'a-tunnels-token' })
}

async function created(url: string, token: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`POST ${url}: ${answer.status} ${await answer.text()}`)
}

/** As root on the VM prints it, once its startup script has installed k0s. */
async function adminKubeconfig(directory: string): Promise<string> {
  const machine = async () => {
    const { stdout } = await $({ quiet: true, cwd: directory })`./taskw lab:status -- --json`
    const { machines } = JSON.parse(stdout) as { machines: { name: string; pid: number }[] }
    return machines.find(({ name }) => name === VM)
  }
  const { pid } = (await machine()) ?? { pid: 0 }
  const into = ['--mount', '--pid', '--net', '--uts', '--ipc', '--root', '--wdns=/']
  const kubectl = 'k0s kubectl get nodes | grep -q " Ready " && k0s kubeconfig admin'
  return waitFor({
    what: 'the node',
    within: 300_000,
    every: 500,
    probe: async () => {
      const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
      const ran = await $({ quiet: true, nothrow: true })`nsenter --target ${pid} ${into} env ${path} sh -c ${kubectl}`
      return ran.exitCode === 0 ? ran.stdout : undefined
    },
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** Undefined while the port is somebody else's. */
const listening = (server: Server, port: number): Promise<Server | undefined> =>
  new Promise(resolve => {
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })

function ownersTunnel(relay: string, token: string, port: number) {
  let server: Server | undefined
  const target = { relay, project: PLACE.project, zone: PLACE.zone, instance: VM, port: API_PORT, token: async () => token }
  return {
    async open() {
      const opened = createServer(async socket => {
        socket.on('error', () => undefined)
        const far = await dialThroughIap(target).catch(() => undefined)
        if (!far) return void socket.destroy()
        pipeline(socket, far, socket).catch(() => undefined)
      })
      // The toolkit's own ends a moment after the last verb that used it.
      server = await waitFor({
        what: `port ${port}`,
        within: 30_000,
        every: 200,
        probe: () => listening(opened, port),
      })
    },
    async close() {
      const closed = server && new Promise(resolve => server?.close(resolve))
      server = undefined
      await closed
    },
  }
}
