import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Google, startGoogle } from '../../../lab/google/server.ts'
import { FakeHypervisor } from './hypervisor.ts'

export const TOKEN = 'test-token-of-a-lab'
export const PROJECT = 'web-service-design'
export const OTHER_PROJECT = 'web-service-staging'

/** A stand-in on a port of its own, with a fake hypervisor and a temporary folder. */
export class TestLab {
  readonly directory: string
  readonly hypervisor = new FakeHypervisor()
  #google: Google | undefined

  private constructor(directory: string) {
    this.directory = directory
  }

  static async start(): Promise<TestLab> {
    const lab = new TestLab(await mkdtemp(join(tmpdir(), 'google-')))
    await mkdir(join(lab.directory, 'run'))
    await lab.restart()
    return lab
  }

  /** Puts resources of a collection where no request has: more than a test could ask for. */
  async seed(collection: string, resources: { selfLink: string }[]): Promise<void> {
    await this.#google?.close()
    const folder = join(this.directory, 'google', collection)
    for (const resource of resources) {
      const path = resource.selfLink.slice('https://www.googleapis.com/compute/v1/'.length)
      await writeFile(join(folder, `${encodeURIComponent(path)}.json`), JSON.stringify(resource))
    }
    await this.restart()
  }

  /**
   * Ends the server, if it runs, and starts another one on the same state and port.
   * @param resting the machines that it boots again
   */
  async restart(resting: string[] = []): Promise<void> {
    const port = this.#google?.port ?? 0
    await this.#google?.close()
    this.#google = await startGoogle({
      directory: join(this.directory, 'google'),
      token: TOKEN,
      hypervisor: this.hypervisor,
      metadataSocket: this.metadataSocket,
      resting,
      port,
    })
  }

  async stop(): Promise<void> {
    await this.#google?.close()
    await rm(this.directory, { recursive: true, force: true })
  }

  get google(): Google {
    if (!this.#google) throw new Error('the stand-in does not run')
    return this.#google
  }

  get port(): number {
    return this.google.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get metadataSocket(): string {
    return join(this.directory, 'run', 'metadata.sock')
  }

  request(method: string, path: string, body?: object, token = TOKEN): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  }

  /** A Compute request's answer. @throws Error for a status other than 2xx */
  async compute<T = Record<string, unknown>>(method: string, path: string, body?: object, project = PROJECT): Promise<T> {
    const response = await this.request(method, `/compute/v1/projects/${project}${path && `/${path}`}`, body)
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }

  /** A mutation's operation once it is done. */
  async done(method: string, path: string, body?: object, project = PROJECT): Promise<DoneOperation> {
    const { selfLink } = await this.compute<{ selfLink: string }>(method, path, body, project)
    const operation = selfLink.slice(selfLink.indexOf(project) + project.length + 1)
    return this.compute<DoneOperation>('POST', `${operation}/wait`, undefined, project)
  }

  /** A network with a subnetwork that IAP reaches at the ports of SSH and of Kubernetes. */
  async makeNetwork(project = PROJECT): Promise<void> {
    await this.done('POST', 'global/networks', { name: 'net', autoCreateSubnetworks: false }, project)
    const subnet = { name: 'subnet', ipCidrRange: '10.142.0.0/20', network: 'global/networks/net' }
    await this.done('POST', 'regions/us-east1/subnetworks', subnet, project)
    const firewall = {
      name: 'allow-iap',
      network: 'global/networks/net',
      sourceRanges: ['35.235.240.0/20'],
      allowed: [{ IPProtocol: 'tcp', ports: ['22', '6443'] }],
    }
    await this.done('POST', 'global/firewalls', firewall, project)
  }

  /** A running instance with its boot disk, in a network that IAP reaches. */
  async makeInstance(name = 'threads-lab-vm', more: object = {}, project = PROJECT): Promise<void> {
    await this.makeNetwork(project)
    await this.done('POST', 'zones/us-east1-b/instances', instanceBody(name, more), project)
  }
}

interface DoneOperation {
  status: string
  operationType: string
  error?: { errors: { code: string; message: string }[] }
}

export const instanceBody = (name: string, more: object = {}) => ({
  name,
  machineType: 'zones/us-east1-b/machineTypes/e2-standard-2',
  disks: [
    { boot: true, initializeParams: { sourceImage: 'projects/debian-cloud/global/images/family/debian-12', diskSizeGb: '50' } },
  ],
  networkInterfaces: [{ subnetwork: 'regions/us-east1/subnetworks/subnet' }],
  scheduling: { preemptible: true, automaticRestart: false },
  metadata: { items: [{ key: 'enable-guest-attributes', value: 'TRUE' }] },
  ...more,
})
