import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse, parseAllDocuments } from 'yaml'
import { root } from '../../lib/runtime/files.ts'
import { blocksOf, stringsIn } from './support/hcl.ts'

interface Peer {
  podSelector?: { matchLabels?: Record<string, string> }
  namespaceSelector?: object
  ipBlock?: { cidr: string; except?: string[] }
}
interface Rule {
  from?: Peer[]
  to?: Peer[]
  ports?: { port: string | number }[]
}
interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; labels?: Record<string, string> }
  spec: {
    podSelector?: { matchLabels?: Record<string, string> }
    policyTypes?: string[]
    ingress?: Rule[]
    egress?: Rule[]
    template?: { spec: PodSpec }
  }
}
interface PodSpec {
  automountServiceAccountToken?: boolean
  securityContext?: Record<string, unknown>
  containers: { name: string; securityContext?: Record<string, unknown>; ports?: { name: string }[] }[]
}

const text = (path: string) => readFileSync(join(root, path), 'utf8')
const under = (folder: string, extension: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith(extension) && !file.includes('.terraform/'))
    .map(file => join(folder, file))

const terraform = under('terraform', '.tf').map(file => ({ file, blocks: blocksOf(text(file)) }))
const resources = terraform.flatMap(({ file, blocks }) =>
  blocks.filter(({ keyword }) => keyword === 'resource').map(block => ({ file, type: block.labels[0] ?? '', ...block })),
)
const calls = terraform.flatMap(({ file, blocks }) =>
  blocks.filter(({ keyword }) => keyword === 'module').map(block => ({ file, name: block.labels[0] ?? '', ...block })),
)
const application = under('k8s/base', '.yaml').flatMap(file =>
  parseAllDocuments(text(file)).map(document => document.toJS() as Manifest),
)

const METADATA_SERVER = '169.254.169.254/32'
const LEVELS = ['privileged', 'baseline', 'restricted']
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform'

/** A template of Terraform's with every value a text: what it says by itself can be read. */
const rendered = (path: string, values: Record<string, string> = {}): Manifest =>
  parse(
    text(path)
      .replace(/^%\{.*\n/gm, '')
      .replace(/\$\{([^}]*)\}/g, (_, name: string) => values[name.trim()] ?? 'value'),
  )

const grants = suite('what the VM may do')

grants('the secrets are granted one by one', () => {
  const wide = terraform.filter(({ file }) => /roles\/secretmanager/.test(text(file)))
  assert.equal([...new Set(wide.map(({ file }) => file))], ['terraform/modules/registry/main.tf'])
  const granting = resources.filter(({ body }) => /roles\/secretmanager\./.test(body))
  assert.equal(
    granting.map(({ type }) => type),
    ['google_secret_manager_secret_iam_member'],
  )
  assert.match(granting[0]?.body ?? '', /for_each\s*=\s*google_secret_manager_secret\.this\b/)
})

grants('no grant is of a basic or an administrative role', () => {
  for (const { file, blocks } of terraform)
    for (const role of blocks.flatMap(({ body }) => stringsIn(body)).filter(name => name.startsWith('roles/')))
      assert.not.match(role, /^roles\/(owner|editor|viewer)$|[aA]dmin$/, file)
})

grants('each secret that is read has a grant', () => {
  const read = under('k8s/overlays/prod', '.yaml').flatMap(file =>
    [...text(file).matchAll(/^\s+key: (\S+)$/gm)].map(([, key]) => key),
  )
  const granted = calls
    .filter(({ file, name }) => file.includes('envs/prod/') && name === 'registry')
    .flatMap(({ body }) => stringsIn(body))
  assert.ok(read.length > 0)
  for (const key of read)
    assert.ok(granted.includes(key?.replace('threads-prod', '$' + '{local.name}') ?? ''), `${key} is granted`)
})

grants('the scope for everything is only where secrets are read, for which there is no other', () => {
  const { body = '' } = resources.find(({ type }) => type === 'google_compute_instance') ?? {}
  assert.match(body, /scopes\s*=\s*local\.scopes/)
  const locals = terraform.find(({ file }) => file === 'terraform/modules/vpc/compute/main.tf')?.blocks[0]?.body ?? ''
  const [, wide = '', narrow = ''] = /scopes\s*=\s*var\.reads_secrets \? (\[[^\]]*\]) : (\[[^\]]*\])/.exec(locals) ?? []
  assert.equal(stringsIn(wide), [CLOUD_PLATFORM])
  assert.ok(stringsIn(narrow).length > 0)
  assert.not(stringsIn(narrow).includes(CLOUD_PLATFORM))
  for (const { file, body: call } of calls.filter(({ name }) => name === 'compute')) {
    const hasSecrets = calls.some(other => other.file === file && other.name === 'registry')
    assert.is(/reads_secrets\s*=\s*true/.test(call), hasSecrets, file)
  }
})

grants.run()

const namespaces = suite('namespaces')

namespaces('each that Terraform makes has a level of pod security, whatever the environment', () => {
  const made = calls.filter(({ name }) => name === 'namespaces')
  assert.ok(made.length >= 3)
  for (const { file, body } of made) {
    const [levels] = blocksOf(body.replace(/levels\s*=\s*\{/, 'levels {'))
    const entries = [...(levels?.body ?? '').matchAll(/^\s*"?([\w-]+)"?\s*=\s*"(\w+)"/gm)].map(([, name, level]) => ({
      name,
      level,
    }))
    assert.ok(entries.length >= 3, file)
    for (const { name, level } of entries) {
      assert.ok(LEVELS.includes(level ?? ''), `${file}: ${name}`)
      assert.is(level === 'privileged', name === 'local-path-storage', `${file}: ${name} is ${level}`)
    }
  }
  const manifests = resources.filter(({ body }) => /kind\s*=\s*"Namespace"/.test(body))
  assert.ok(manifests.length > 0)
  for (const { file, body } of manifests) assert.match(body, '"pod-security.kubernetes.io/enforce"', file)
})

namespaces("the application's has one too, from whoever makes it", () => {
  const { spec } = rendered('terraform/modules/argocd-app/templates/threads-app.yaml') as unknown as {
    spec: { syncPolicy: { syncOptions: string[]; managedNamespaceMetadata?: { labels?: Record<string, string> } } }
  }
  assert.ok(spec.syncPolicy.syncOptions.includes('CreateNamespace=true'))
  assert.ok(spec.syncPolicy.managedNamespaceMetadata?.labels?.['pod-security.kubernetes.io/enforce'])
  const { body = '' } =
    blocksOf(text('terraform/modules/argocd-app/variables.tf')).find(({ labels }) => labels[0] === 'pod_security') ?? {}
  assert.match(body, /default\s*=\s*"(baseline|restricted)"/)
})

for (const { metadata, spec } of application.filter(({ kind }) => kind === 'Deployment'))
  namespaces(`${metadata.name} fits the level restricted, and has no token of the cluster's`, () => {
    const pod = spec.template?.spec as PodSpec
    assert.is(pod.automountServiceAccountToken, false)
    assert.is(pod.securityContext?.runAsNonRoot, true)
    assert.equal(pod.securityContext?.seccompProfile, { type: 'RuntimeDefault' })
    for (const { securityContext } of pod.containers) {
      assert.is(securityContext?.allowPrivilegeEscalation, false)
      assert.equal(securityContext?.capabilities, { drop: ['ALL'] })
    }
  })

namespaces.run()

const network = suite('who may reach what')
const policies = application.filter(({ kind }) => kind === 'NetworkPolicy')
const ofAll = ({ spec }: Manifest) => Object.keys(spec.podSelector ?? { some: 1 }).length === 0

network('every folder of manifests is applied', () => {
  const { resources: listed } = parse(text('k8s/base/kustomization.yaml')) as { resources: string[] }
  const there = readdirSync(join(root, 'k8s/base')).filter(file => file !== 'kustomization.yaml')
  assert.equal([...listed].sort(), there.sort())
})

network('nothing in threads is reached by default', () => {
  const denying = policies.filter(policy => ofAll(policy) && policy.spec.policyTypes?.includes('Ingress'))
  assert.ok(denying.length > 0)
  for (const { spec } of denying) assert.equal(spec.ingress ?? [], [])
})

/** The pods whose requests a policy lets in; `anybody` where it names none. */
const callersOf = (name: string) =>
  policies
    .filter(({ spec }) => spec.podSelector?.matchLabels?.['app.kubernetes.io/name'] === name)
    .flatMap(({ spec }) => spec.ingress ?? [])
    .flatMap(({ from }) => from?.map(({ podSelector }) => podSelector?.matchLabels?.['app.kubernetes.io/name']) ?? ['anybody'])

for (const [name, callers] of [
  ['nextjs', ['anybody']],
  ['ml-service', ['nextjs']],
  ['postgres', ['nextjs', 'ml-service']],
] as const)
  network(`${name} is reached by ${callers.join(' and ')}, at its own port`, () => {
    assert.equal(callersOf(name), callers)
    const ports = policies
      .filter(({ spec }) => spec.podSelector?.matchLabels?.['app.kubernetes.io/name'] === name)
      .flatMap(({ spec }) => spec.ingress ?? [])
      .flatMap(rule => rule.ports?.map(({ port }) => port) ?? ['any'])
    const own = application
      .filter(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)
      .flatMap(({ spec }) => spec.template?.spec.containers ?? [])
      .flatMap(container => container.ports?.map(port => port.name) ?? [])
    assert.equal(ports, own)
  })

network('nothing in threads reaches the metadata server', () => {
  const bounded = policies.filter(policy => ofAll(policy) && policy.spec.policyTypes?.includes('Egress'))
  assert.ok(bounded.length > 0)
  for (const { ipBlock } of policies.flatMap(({ spec }) => spec.egress ?? []).flatMap(({ to }) => to ?? [{} as Peer]))
    if (ipBlock) assert.ok(ipBlock.except?.includes(METADATA_SERVER))
})

network('in the platform only what signs in to Google reaches it', () => {
  const closed = resources.filter(({ body }) => /kind\s*=\s*"NetworkPolicy"/.test(body) && /except\s*=/.test(body))
  assert.equal(
    closed.map(({ file }) => file),
    ['terraform/modules/namespaces/main.tf'],
  )
  assert.match(closed[0]?.body ?? '', /podSelector\s*=\s*\{\}/)
  assert.match(closed[0]?.body ?? '', /policyTypes\s*=\s*\["Egress"\]/)
  const open = resources.filter(
    ({ body }) => /kind\s*=\s*"NetworkPolicy"/.test(body) && new RegExp(`cidr\\s*=\\s*"${METADATA_SERVER}"`).test(body),
  )
  assert.equal(open.map(({ file }) => file).sort(), [
    'terraform/modules/argocd-image-updater/main.tf',
    'terraform/modules/external-secrets/main.tf',
  ])
  for (const { file, body } of open) {
    assert.match(body, /matchLabels\s*=/, file)
    assert.match(body, /port\s*=\s*80\b/, file)
  }
})

network.run()

const project = suite("the application's project")
const PROJECT = 'terraform/modules/argocd-app/main.tf'

project('is its own', () => {
  const { spec } = rendered('terraform/modules/argocd-app/templates/threads-app.yaml', { project: 'its-own' }) as unknown as {
    spec: { project: string }
  }
  assert.is(spec.project, 'its-own')
})

project('has its repository, its namespace and named kinds, and no others', () => {
  const { body = '' } = resources.find(({ file, body }) => file === PROJECT && /kind\s*=\s*"AppProject"/.test(body)) ?? {}
  assert.match(body, /sourceRepos\s*=\s*\[var\.repository_url\]/)
  assert.match(body, /namespace\s*=\s*var\.destination_namespace/)
  assert.match(body, /server\s*=\s*"https:\/\/kubernetes\.default\.svc"/)
  assert.match(body, /clusterResourceWhitelist\s*=/)
  assert.match(body, /namespaceResourceWhitelist\s*=/)
  assert.not.match(stringsIn(body).join('\n'), /\*/)
})

/** Group and kind of the default of a variable of the module. */
const kindsOf = (variable: string): string[] => {
  const blocks = blocksOf(text('terraform/modules/argocd-app/variables.tf'))
  const { body = '' } = blocks.find(({ labels }) => labels[0] === variable) ?? {}
  const fallback = body.slice(body.search(/^\s*default\s*=/m))
  return [...fallback.matchAll(/group = "([^"]*)"\s*,\s*kind = "([^"]*)"/g)].map(([, group, kind]) => `${group}/${kind}`)
}

project('has every kind that the overlays apply', () => {
  const applied = under('k8s', '.yaml')
    .flatMap(file => parseAllDocuments(text(file)).map(document => document.toJS() as Manifest))
    .filter(({ kind }) => kind !== 'Kustomization')
    .map(({ apiVersion, kind }) => `${apiVersion.includes('/') ? apiVersion.split('/')[0] : ''}/${kind}`)
  for (const kind of new Set(applied)) assert.ok(kindsOf('kinds').includes(kind), kind)
})

project('has what those make in their turn: Argo CD looks no further than it permits', () => {
  const made = ['/Pod', '/Endpoints', 'apps/ReplicaSet', 'apps/ControllerRevision', 'discovery.k8s.io/EndpointSlice']
  for (const kind of made) assert.ok(kindsOf('kinds').includes(kind), kind)
})

project('has of the cluster only its namespace, and nothing that grants rights', () => {
  assert.equal(kindsOf('cluster_kinds'), ['/Namespace'])
  assert.not.match(kindsOf('kinds').join('\n'), /rbac|argoproj|SecretStore|\*/)
})

project('is there before the Application, and goes after it', () => {
  const { body = '' } = resources.find(({ labels }) => labels[1] === 'application') ?? {}
  assert.match(body, /depends_on\s*=\s*\[kubectl_manifest\.project\]/)
})

project.run()
