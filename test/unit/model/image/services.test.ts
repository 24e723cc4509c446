import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applicationInState, servicesDiffer, updatersInState } from '../../../../lib/model/image/services.ts'
import { updaterImages } from '../../../../lib/model/image/updater.ts'
import type { ImageUpdater } from '../../../../lib/model/image/world.ts'
import { inBrief } from '../../support/kubernetes.ts'
import { application, PREFIX } from './fixture.ts'

const REGISTRY = 'us-east1-docker.pkg.dev/web-service-design/threads'
const NEXTJS = `${REGISTRY}/nextjs`
const ML = `${REGISTRY}/ml-service`
const SERVICES = { nextjs: { image: NEXTJS }, 'ml-service': { image: ML } }
const annotated = (list: string) => application({ annotations: { [`${PREFIX}/image-list`]: list } })

const differ = suite('servicesDiffer')
for (const [why, list, expected] of [
  ['the same', `nextjs=${NEXTJS},ml-service=${ML}`, ['info delivery/services']],
  ['the same in another order, with tags', `ml-service=${ML}:latest, nextjs=${NEXTJS}:latest`, ['info delivery/services']],
  ['the same under other aliases', `web=${NEXTJS},ml=${ML}`, ['info delivery/services']],
  ['the same without aliases', `${NEXTJS},${ML}`, ['info delivery/services']],
  ['one is not listed', `nextjs=${NEXTJS}`, ['warning delivery/not-listed: ml-service']],
  [
    'none is: the annotations were lost',
    '',
    ['warning delivery/not-listed: nextjs', 'warning delivery/not-listed: ml-service'],
  ],
  ['one more is listed', `nextjs=${NEXTJS},ml-service=${ML},api=${REGISTRY}/api`, ['warning delivery/no-service: api']],
  ['one more, without an alias', `${NEXTJS},${ML},${REGISTRY}/api`, ['warning delivery/no-service: api']],
  ['one with another image', `nextjs=${NEXTJS},ml-service=${REGISTRY}/ml`, ['warning delivery/other-image: ml-service']],
  ['one whose image begins like another’s', `nextjs=${NEXTJS}-2,ml-service=${ML}`, ['warning delivery/other-image: nextjs']],
  ['another registry', `nextjs=${NEXTJS},ml-service=gcr.io/p/ml-service`, ['warning delivery/other-image: ml-service']],
  [
    'each way',
    `nextjs=${NEXTJS},api=${REGISTRY}/api`,
    ['warning delivery/not-listed: ml-service', 'warning delivery/no-service: api'],
  ],
  ['two that are swapped', `nextjs=${ML},ml-service=${NEXTJS}`, ['info delivery/services']],
] as [string, string, string[]][])
  differ(why, () => {
    const found = servicesDiffer(updaterImages(annotated(list)), SERVICES, {
      application: 'argocd/threads',
      seen: 'in the cluster',
      file: 'environments/prod.yaml',
      layer: '02-argocd-app',
      isOwn: false,
    })
    assert.equal(
      found.map(finding => {
        const { service } = (finding.evidence ?? {}) as { service?: string }
        return inBrief([finding]).join() + (service === undefined ? '' : `: ${service}`)
      }),
      expected,
    )
    for (const { severity, remedy } of found) assert.is(remedy !== undefined, severity === 'warning')
  })
for (const [why, isOwn, layer, remedy] of [
  [
    'made by this tree, which reads the file',
    true,
    '02-argocd-app',
    /^\.\/taskw layer:apply -- 02-argocd-app .*or remove it from delivery\.services of environments\/prod\.yaml$/,
  ],
  [
    'made by another tree',
    false,
    'app',
    /^list its image in layer app, .*\.\/taskw layer:apply -- app; or remove it from delivery\.services/,
  ],
  ['made by nobody knows what', false, undefined, /^list its image where the Application is made; or remove it/],
] as const)
  differ(`an Application ${why}`, () => {
    const about = { application: 'argocd/threads', seen: 'in the cluster', file: 'environments/prod.yaml', layer, isOwn }
    const [found] = servicesDiffer(updaterImages(annotated(`nextjs=${NEXTJS}`)), SERVICES, about)
    assert.match(found?.remedy ?? '', remedy)
    assert.match(found?.message ?? '', `lists no ${ML} in the cluster, but delivery.services has ml-service`)
  })
differ.run()

const updater = (...refs: object[]) => [
  { metadata: { name: 'u', namespace: 'argocd', uid: 'u' }, spec: { applicationRefs: refs } } as ImageUpdater,
]
const OWN = [{ alias: 'ml', imageName: `${ML}:latest` }]
const lists = suite('updaterImages')
for (const [why, updaters, expected] of [
  ['annotations alone', [], [`nextjs=${NEXTJS}`]],
  [
    'an ImageUpdater that goes by the annotations',
    updater({ namePattern: 'threads', useAnnotations: true, images: OWN }),
    [`nextjs=${NEXTJS}`],
  ],
  ['one with a list of its own', updater({ namePattern: 'threads', images: OWN }), [`ml=${ML}`]],
  ['one for several Applications', updater({ namePattern: 'thr*', images: OWN }), [`ml=${ML}`]],
  ['one for another Application', updater({ namePattern: 'other', images: OWN }), [`nextjs=${NEXTJS}`]],
  [
    'two entries, both for it',
    updater({ namePattern: 'threads', useAnnotations: true }, { namePattern: 'th*', images: OWN }),
    [`ml=${ML}`, `nextjs=${NEXTJS}`],
  ],
  ['one without images', updater({ namePattern: 'threads' }), []],
] as [string, ImageUpdater[], string[]][])
  lists(why, () =>
    assert.equal(
      updaterImages(annotated(`nextjs=${NEXTJS}:latest`), updaters).map(({ alias, image }) => `${alias}=${image}`),
      expected,
    ),
  )
lists.run()

const metadata = { name: 'threads', namespace: 'argocd', annotations: { a: 'b' }, labels: { l: 'm' } }
const manifest = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata }
const YAML = JSON.stringify(manifest)
const states = suite('applicationInState')
for (const [why, type, attributes, isFound] of [
  [
    'a kubectl_manifest',
    'kubectl_manifest',
    {
      yaml_body_parsed: YAML,
      yaml_body: '(sensitive)',
      name: 'threads',
      namespace: 'argocd',
      kind: 'Application',
      api_version: 'argoproj.io/v1alpha1',
    },
    true,
  ],
  ['a kubectl_manifest whose text is all there is', 'kubectl_manifest', { yaml_body: YAML }, true],
  ['a kubernetes_manifest', 'kubernetes_manifest', { manifest }, true],
  [
    'a kubernetes_manifest as a state has it',
    'kubernetes_manifest',
    { manifest: { value: manifest, type: ['object', {}] } },
    true,
  ],
  ['an imported kubernetes_manifest', 'kubernetes_manifest', { manifest: null, object: { value: manifest, type: [] } }, true],
  ['an argocd_application', 'argocd_application', { metadata: [metadata] }, true],
  [
    'another Application',
    'kubernetes_manifest',
    { manifest: { ...manifest, metadata: { ...metadata, name: 'other' } } },
    false,
  ],
  [
    'one in another namespace',
    'kubernetes_manifest',
    { manifest: { ...manifest, metadata: { ...metadata, namespace: 'x' } } },
    false,
  ],
  ['another kind of this name', 'kubernetes_manifest', { manifest: { ...manifest, kind: 'AppProject' } }, false],
  [
    'another group’s Application',
    'kubernetes_manifest',
    { manifest: { ...manifest, apiVersion: 'app.k8s.io/v1beta1' } },
    false,
  ],
  ['a text that can’t be read', 'kubectl_manifest', { yaml_body: '{' }, false],
] as [string, string, object, boolean][])
  states(why, () => {
    const found = applicationInState([{ type, attributes: attributes as never }], 'argocd/threads')
    assert.equal(found?.metadata.annotations, isFound ? { a: 'b' } : undefined)
  })
states('an ImageUpdater, and what it lists', () => {
  const spec = { applicationRefs: [{ namePattern: 'threads', images: OWN }] }
  const body = { kind: 'ImageUpdater', metadata: { name: 'u', namespace: 'argocd' }, spec }
  const resources: Parameters<typeof updatersInState>[0] = [
    { type: 'kubectl_manifest', attributes: { yaml_body_parsed: JSON.stringify(body) } },
    { type: 'kubernetes_manifest', attributes: { manifest } },
    { type: 'helm_release', attributes: { name: 'argocd' } },
  ]
  assert.equal(
    updaterImages(annotated(NEXTJS), updatersInState(resources)).map(({ alias, image }) => `${alias}=${image}`),
    [`ml=${ML}`],
  )
})
states.run()
