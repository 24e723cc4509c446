import type { Duplex } from 'node:stream'
import type { Cluster } from '../cluster/cluster.ts'
import type { Endpoints } from '../config/endpoints.ts'
import type { Environment } from '../config/schema.ts'
import type { Compute } from '../google/compute.ts'
import type { Credentials } from '../google/credentials.ts'
import type { Api } from '../google/existence.ts'
import type { FarEnd } from '../google/lease.ts'
import type { Store } from '../google/storage.ts'
import type { Tunnel } from '../google/tunnel.ts'
import type { Host } from '../host/ssh.ts'
import type { Defaults } from '../model/layer/location.ts'
import type { JournalWriter } from '../runtime/journal.ts'
import type { Json } from '../runtime/json.ts'
import type { PhaseContext } from '../runtime/phases.ts'
import type { Terraform } from '../terraform/terraform.ts'

/** What a phase works with. Each phase declares the `Pick` of it that it uses, so that a test can fake just that. */
export interface Context extends PhaseContext, Connections {
  /** As the task is called: `up`, `layer:apply`. */
  verb: string
  environment: Environment
  endpoints: Endpoints | undefined
  credentials: Credentials
  terraform: Terraform
  /** The lowest layer: it makes the VM and exports how to reach it. */
  baseLayer: string
  journal: JournalWriter | undefined
  now(): Date
  /** Terraform's outputs of an applied layer. @throws OpsError 4 when it is not applied */
  outputs(layer: string): Promise<Record<string, Json>>
  /**
   * One output as text; of the base layer's, what the environment's file or something else says where there is none.
   * @throws OpsError 4 when nothing says it, 3 when output and file say different things
   */
  output(layer: string, name: string): Promise<string>
  /** Removes the lock that a dead run has left, if this run has not taken it. */
  clearDeadLock(): Promise<void>
  /** @throws OpsError 4 unless the operator agrees, 2 when `--confirm` names another environment */
  consent(request: ConsentRequest): Promise<void>
}

/** Everything outside that is opened when first asked for, and closed at the end. */
export interface Connections {
  /** The state bucket. */
  store(): Promise<Store>
  compute(): Promise<Compute>
  /** Whether an object of one of Google's APIs exists, by its path below the API's address. */
  exists(api: Api, path: string): Promise<boolean>
  /** Project, region and zone of what does not say its own. */
  defaults(): Promise<Defaults>
  /** Where the tunnel to the Kubernetes API leads. */
  apiEnd(): Promise<FarEnd>
  /** A TCP connection to a port of the VM, through IAP. @throws OpsError 4 when the VM is off or gone */
  dial(port: number): Promise<Duplex>
  /** @param within milliseconds that it may take to answer; by default as long as a boot takes */
  host(within?: number): Promise<Host>
  /** The Kubernetes API at the local port that the kubeconfig names. */
  tunnel(): Promise<Tunnel>
  /** What kubectl is told: the kubeconfig's path, the context in it, and the local port of its server. */
  access(): Promise<{ kubeconfig: string; context: string; port: number }>
  cluster(): Promise<Cluster>
  /** Closes what is open to the VM, which was replaced or restarted; it is opened again when next asked for. */
  disconnect(): Promise<void>
}

/** What the operator is asked to agree to. */
export interface ConsentRequest {
  /** What is about to be done, as a question without its question mark. */
  question: string
  /** Something is lost by it: where the environment's guard is `typed`, its name must be typed. */
  destroys: boolean
  /** The command line asks for it by name: only where names are typed is it asked again. */
  requested?: boolean
  /** The environment's guard that must allow it at all. */
  guard?: 'destroy' | 'drills'
}
