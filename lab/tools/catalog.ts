import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A program of the lab, built from a Go module pinned in `lab/tools/<group>/go.mod`. */
export interface Program {
  name: string
  /** Folder beside this file whose go.mod and go.sum pin it. */
  group: string
  /** Import path of its main package; one in its group's folder is the lab's own. */
  package: string
  /** The module whose required version is the program's version. */
  module: string
  /** Linker flags beyond `-s -w`. */
  ldflags?: string
  /** The release, where go.mod can only name a commit. */
  release?: string
  /** Use the machine's own, and build it only where there is none. */
  prefersPath?: true
  /** Duration of a cold build on two cores, in seconds; for the progress display only. */
  seconds: number
}

const KUBERNETES = '1.34.0'
const [major, minor] = KUBERNETES.split('.')
// Without this the API server reports v0.0.0-master, which clients' version checks reject.
const kubernetesVersion = [`gitVersion=v${KUBERNETES}`, `gitMajor=${major}`, `gitMinor=${minor}`]
  .map(assignment => `-X k8s.io/component-base/version.${assignment}`)
  .join(' ')

const kubernetes = (name: string, seconds: number): Program => ({
  name,
  seconds,
  group: 'control-plane',
  package: `k8s.io/kubernetes/cmd/${name}`,
  module: 'k8s.io/kubernetes',
  ldflags: kubernetesVersion,
})

const provider = (name: string, owner: string, seconds: number): Program => ({
  seconds,
  name: `terraform-provider-${name}`,
  group: `provider-${name}`,
  package: `github.com/${owner}/terraform-provider-${name}`,
  module: `github.com/${owner}/terraform-provider-${name}`,
})

/** In the order in which `up` needs them: the registry and 00-vpc first, Argo CD's controllers last. */
export const programs: readonly Program[] = [
  {
    name: 'terraform',
    group: 'terraform',
    package: 'github.com/hashicorp/terraform',
    module: 'github.com/hashicorp/terraform',
    // Without this it calls itself a development build.
    ldflags: '-X github.com/hashicorp/terraform/version.dev=no',
    prefersPath: true,
    seconds: 250,
  },
  {
    name: 'registry',
    group: 'registry',
    seconds: 20,
    package: 'threads-ops/lab/tools/registry',
    module: 'github.com/google/go-containerregistry',
  },
  {
    name: 'crane',
    group: 'registry',
    seconds: 30,
    package: 'github.com/google/go-containerregistry/cmd/crane',
    module: 'github.com/google/go-containerregistry',
  },
  { ...provider('google', 'hashicorp', 105), release: 'v4.9.0' },
  {
    name: 'etcd',
    group: 'control-plane',
    seconds: 50,
    package: 'go.etcd.io/etcd/server/v3',
    module: 'go.etcd.io/etcd/server/v3',
  },
  kubernetes('kube-apiserver', 250),
  kubernetes('kube-controller-manager', 60),
  kubernetes('kube-scheduler', 40),
  { ...kubernetes('kubectl', 40), prefersPath: true },
  { name: 'kwok', group: 'kwok', seconds: 110, package: 'sigs.k8s.io/kwok/cmd/kwok', module: 'sigs.k8s.io/kwok' },
  provider('helm', 'hashicorp', 85),
  provider('kubectl', 'gavinbunney', 115),
  {
    name: 'kustomize',
    group: 'control-plane',
    seconds: 10,
    package: 'sigs.k8s.io/kustomize/kustomize/v5',
    module: 'sigs.k8s.io/kustomize/kustomize/v5',
  },
  {
    name: 'argocd',
    group: 'control-plane',
    seconds: 155,
    package: 'github.com/argoproj/argo-cd/v3/cmd',
    module: 'github.com/argoproj/argo-cd/v3',
  },
]

/** The folder of built programs, shared by the user's checkouts. In a machine it is wherever the hypervisor has mounted it. */
export const toolsDirectory = (): string =>
  process.env.THREADS_OPS_TOOLS ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'threads-ops', 'tools')

/** The folder with the groups' pins. */
export const pinsDirectory: string = fileURLToPath(new URL('.', import.meta.url))

/** The name of a group's folder depends on its pins and its own program, so that an older build is never taken for a newer one. */
export function groupDirectory(group: string, pins = pinsDirectory): string {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(pins, group, file)))
  const own = join(pins, group, 'main.go')
  if (existsSync(own)) hash.update(readFileSync(own))
  return join(toolsDirectory(), `${group}-${hash.digest('hex').slice(0, 12)}`)
}

/**
 * The path of a program once it is built; it appears there complete or not at all.
 * @throws Error for a name not in the catalogue
 */
export function programPath(name: string): string {
  const program = programs.find(candidate => candidate.name === name)
  if (!program) throw new Error(`no program ${name} in the catalogue`)
  return join(groupDirectory(program.group), name)
}
