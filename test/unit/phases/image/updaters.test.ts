import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hops } from '../../../../lib/model/image/hops.ts'
import { Rollout, type RolloutContext } from '../../../../lib/phases/image/rollout.ts'
import { application, at, inventory, SHA, subject, updaterPod } from '../../model/image/fixture.ts'
import { failureOf } from '../../support/layers.ts'

const UPDATER_HOP = hops.find(({ id }) => id === 'updater')

/** A bump whose image the updater does not pick up, in a cluster that serves these versions of ImageUpdater. */
async function stalled(versions: string[], there: object[] = []) {
  const asked: string[] = []
  const cluster = {
    versions: async () => versions,
    list: async ({ base, plural }: { base: string; plural: string }) => {
      asked.push(`${base}/${plural}`)
      return plural === 'imageupdaters' ? there : []
    },
    inventory: async () => ({ inventory: inventory({ applications: [application()], pods: [updaterPod()] }), versions: {} }),
    watch: () => ({ next: async () => undefined, close: () => undefined }),
  }
  const { repository, workflow, namespace, application: name, platform, image } = subject
  const rollout = new Rollout({
    environment: {
      delivery: {
        ...{ repository, branch: 'main', workflow, platform, application: name, namespace },
        services: { 'ml-service': { folder: 'ml-service', versionFile: 'package.json', image } },
        deadlines: { updater: 0 },
      },
    },
    endpoints: { git: 'file:///nowhere' },
    credentials: { token: async () => 'a-token' },
    cluster: async () => cluster,
    signal: new AbortController().signal,
    now: () => new Date(at(60)),
    progress: () => undefined,
  } as unknown as RolloutContext)
  await rollout.follow(
    { service: 'ml-service', from: '0.1.0', to: '0.1.1', sha: SHA, pushed: { at: at(0), error: 0, evidence: null } },
    { image: { at: at(30), error: 0, evidence: null } },
  )
  if (!UPDATER_HOP) throw new Error('there is no such hop')
  const { code } = await failureOf(rollout.until(UPDATER_HOP))
  return { code, rules: rollout.findings.map(({ rule }) => rule), asked }
}
const SELECTING = {
  metadata: { name: 'threads', namespace: 'argocd', uid: 'cr' },
  spec: { applicationRefs: [{ namePattern: 'threads', useAnnotations: true }] },
}
const GROUP = '/apis/argocd-image-updater.argoproj.io'

const updaters = suite('what configures the Image Updater is asked of the cluster')
for (const [why, versions, there, rules, asked] of [
  ['no kind: annotations alone, and nothing has to select', [], [], ['updater/silent'], []],
  [
    'the kind, and none selects',
    ['v1alpha1'],
    [],
    ['updater/not-selected', 'updater/silent'],
    [`${GROUP}/v1alpha1/imageupdaters`],
  ],
  ['the kind, and one selects', ['v1alpha1'], [SELECTING], ['updater/silent'], [`${GROUP}/v1alpha1/imageupdaters`]],
  [
    'in the version that the server prefers',
    ['v1', 'v1alpha1'],
    [SELECTING],
    ['updater/silent'],
    [`${GROUP}/v1/imageupdaters`],
  ],
] as [string, string[], object[], string[], string[]][]) {
  updaters(why, async () => {
    const found = await stalled(versions, there)
    assert.is(found.code, 124)
    assert.equal(found.rules, rules)
    assert.equal(
      found.asked.filter(path => path.startsWith(GROUP)),
      asked,
    )
  })
}
updaters.run()
