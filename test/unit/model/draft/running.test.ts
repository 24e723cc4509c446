import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { deliveryOf, expectationsOf, servicesOf } from '../../../../lib/model/draft/running.ts'
import type { Application, Pod, Service } from '../../../../lib/model/health/objects.ts'

const named = (namespace: string, name: string) => ({ metadata: { namespace, name, uid: `${namespace}-${name}` } })
const pod = (namespace: string, name: string, more: object = {}): Pod => ({ ...named(namespace, name), ...more })
const service = (namespace: string, name: string, ports: object[], labels = {}, selector: object = { app: name }): Service =>
  ({ metadata: { ...named(namespace, name).metadata, labels }, spec: { ports, selector } }) as Service
const application = (annotations: Record<string, string>, source: object = {}): Application => ({
  metadata: { ...named('argocd', 'threads').metadata, annotations },
  spec: { source, destination: { namespace: 'threads' } },
})
const LIST = 'argocd-image-updater.argoproj.io/image-list'

const expectations = suite('what is expected is what runs')
expectations('lasting pods by namespace, claims and Applications', () => {
  const pods = [
    pod('threads', 'nextjs-1'),
    pod('threads', 'postgres-1'),
    pod('argocd', 'server-1'),
    pod('threads', 'gone', { status: { phase: 'Succeeded' } }),
    { metadata: { ...named('threads', 'leaving').metadata, deletionTimestamp: '2025-11-01T12:00:00Z' } },
    { metadata: { ...named('argocd', 'init').metadata, ownerReferences: [{ kind: 'Job', name: 'init', uid: 'j' }] } },
    pod('kube-system', 'coredns'),
  ]
  assert.equal(
    expectationsOf({ pods, volumeClaims: [named('threads', 'postgres-pvc')], applications: [named('argocd', 'threads')] }),
    {
      namespaces: { argocd: { pods: 1 }, threads: { pods: 2 } },
      applications: ['argocd/threads'],
      volumes: ['threads/postgres-pvc'],
    },
  )
})
expectations.run()

const services = suite('services that are opened')
services('those of the application and the server of Argo CD, each at a port of its own', () => {
  const all = [
    service('threads', 'nextjs', [{ name: 'http', port: 3000 }]),
    service('threads', 'admin', [{ port: 3000 }]),
    service('threads', 'postgres', [{ port: 5432 }]),
    service('threads', 'outside', [{ port: 80 }], {}, {}),
    service(
      'argocd',
      'argo-cd-argocd-server',
      [
        { name: 'http', port: 80 },
        { name: 'https', port: 443 },
      ],
      { 'app.kubernetes.io/name': 'argocd-server' },
    ),
    service('argocd', 'argocd-repo-server', [{ port: 8081 }]),
  ]
  assert.equal(servicesOf({ services: all, applications: [application({})] }), {
    argocd: { namespace: 'argocd', service: 'argo-cd-argocd-server', port: 'https', localPort: 8443, scheme: 'https' },
    admin: { namespace: 'threads', service: 'admin', port: 3000, localPort: 3000 },
    nextjs: { namespace: 'threads', service: 'nextjs', port: 'http', localPort: 3001 },
    postgres: { namespace: 'threads', service: 'postgres', port: 5432, localPort: 5432, scheme: 'postgresql' },
  })
})
services.run()

const deliveries = suite('what an Application delivers')
for (const [what, source, expected] of [
  ['over HTTPS', { repoURL: 'https://github.com/o/r.git', targetRevision: 'main' }, { repository: 'o/r', branch: 'main' }],
  ['over SSH', { repoURL: 'git@github.com:o/r.git', targetRevision: 'HEAD' }, { repository: 'o/r' }],
  ['from elsewhere', { repoURL: 'https://git.example/o/r' }, {}],
  ['from a host of a similar name', { repoURL: 'https://notgithub.com/o/r' }, {}],
] as const) {
  deliveries(what, () => {
    const { repository, branch } = deliveryOf(application({ [LIST]: 'web=r.example/a/nextjs:latest' }, source)) ?? {}
    assert.equal({ ...(repository !== undefined && { repository }), ...(branch !== undefined && { branch }) }, expected)
  })
}
deliveries('its images, without their tags; none where it lists none', () => {
  assert.equal(deliveryOf(application({ [LIST]: 'web=r.example/a/nextjs:latest, r.example/a/ml' }))?.images, [
    'r.example/a/nextjs',
    'r.example/a/ml',
  ])
  assert.is(deliveryOf(application({})), undefined)
})
deliveries.run()
