import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listsCompared } from '../../../../lib/phases/operator/delivered.ts'
import { external, interrupted, precondition } from '../../../../lib/runtime/errors.ts'
import { inBrief } from '../../support/kubernetes.ts'
import { failureOf } from '../../support/layers.ts'

type DeliveredContext = Parameters<typeof listsCompared>[0]
const KEY = 'argocd-image-updater.argoproj.io/image-list'
const manifest = (list: string) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'threads', namespace: 'argocd', uid: 'a', annotations: { [KEY]: list } },
})

interface World {
  delivery?: boolean
  /** The image list of the cluster's Application; undefined where there is none. */
  cluster?: string | Error
  /** The same in the state of layer `app`. */
  state?: string | Error
}

function contextOn({ delivery = true, cluster, state }: World): DeliveredContext {
  const settings = { application: 'argocd/threads', services: { nextjs: { image: 'r.example/nextjs' } } }
  return {
    environment: { name: 'prod', ...(delivery && { delivery: settings }) },
    signal: new AbortController().signal,
    log: { debug: () => undefined },
    cluster: async () => {
      if (cluster instanceof Error) throw cluster
      return {
        get: async () => (cluster === undefined ? undefined : manifest(cluster)),
        list: async () => [],
        versions: async () => [],
      }
    },
    terraform: {
      layers: ['base', 'app'],
      resources: async (layer: string) => {
        if (state instanceof Error) throw state
        const held = { type: 'kubernetes_manifest', attributes: { manifest: manifest(state ?? '') } }
        return layer === 'app' && state !== undefined ? [held] : []
      },
    },
  } as unknown as DeliveredContext
}

const AWAY = external('out of reach', 'wait')
const SAME = 'r.example/nextjs'
const compared = suite('listsCompared')
for (const [why, world, brief, said] of [
  ['the cluster’s counts', { cluster: '', state: SAME }, ['warning delivery/not-listed'], 'in the cluster'],
  [
    'the state’s counts where the cluster is away',
    { cluster: AWAY, state: '' },
    ['warning delivery/not-listed'],
    'in the state of app',
  ],
  [
    'the state’s counts where the cluster has no Application',
    { state: '' },
    ['warning delivery/not-listed'],
    'in the state of app',
  ],
  ['the cluster’s is enough', { cluster: SAME, state: AWAY }, ['info delivery/services'], 'nextjs'],
  ['nothing is applied yet', {}, ['info delivery/services'], 'neither'],
  ['nobody answers', { cluster: AWAY, state: precondition('no bucket', 'up') }, ['info delivery/services'], 'neither'],
  ['nothing is delivered', { delivery: false, cluster: AWAY }, [], ''],
] as [string, World, string[], string][])
  compared(why, async () => {
    const found = await listsCompared(contextOn(world))
    assert.equal(inBrief(found), brief)
    if (said) assert.match(found[0]?.message ?? '', said)
  })
compared('the remedy names the layer that makes it', async () => {
  const [found] = await listsCompared(contextOn({ cluster: '', state: SAME }))
  assert.match(found?.remedy ?? '', './taskw layer:apply -- app')
})
compared('an interruption ends it', async () => {
  assert.is((await failureOf(listsCompared(contextOn({ cluster: interrupted('stop', '') })))).code, 130)
})
compared.run()
