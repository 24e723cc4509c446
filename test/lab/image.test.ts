import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { kinds } from '../../lib/cluster/kinds.ts'
import type { Application, Pod } from '../../lib/model/health/objects.ts'
import { hops } from '../../lib/model/image/hops.ts'
import type { ReachedHop } from '../../lib/model/image/timeline.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type ApplicationRepository, applicationRepository } from './support/application.ts'
import { type Checkout, during, killDuring, makeCheckout, type Ran } from './support/checkout.ts'
import { patch, throughTunnel } from './support/cluster.ts'
import { bringUp } from './support/kept-lab.ts'

/**
 * A version's way from its bump to the pods, and what goes wrong on it. One story, in order: each test begins with what the one
 * before has left.
 */
const story = suite<{ checkout: Checkout; application: ApplicationRepository }>('an image on its way')

const WORKFLOW = '.github/workflows/deploy-gcp.yml'
const IMAGES = 'us-east1-docker.pkg.dev/web-service-design/threads'

story.before(async context => {
  context.checkout = await makeCheckout()
  succeeded(await bringUp(context.checkout))
  context.application = await applicationRepository(context.checkout)
})
story.after(async ({ checkout }) => checkout.remove())

function ended(ran: Ran, code: number): Ran {
  assert.is(ran.code, code, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-3000)}`)
  return ran
}
const succeeded = (ran: Ran) => ended(ran, 0)
const rulesOf = ({ document }: Ran) => (document.findings ?? []).map(({ rule }) => rule)
const legsOf = ({ document }: Ran) => document.hops as ReachedHop[]
const bumpOf = ({ document }: Ran) => document.bump as { from: string; to: string; sha: string }

/** The pods that run a service, as `tag imageID`. */
const running = (checkout: Checkout, service: string) =>
  throughTunnel(checkout, async cluster => {
    const pods = await cluster.list<Pod>(kinds.pods, 'threads')
    return pods.flatMap(({ status }) =>
      (status?.containerStatuses ?? []).flatMap(({ image = '', imageID }) =>
        image.startsWith(`${IMAGES}/${service}:`) ? `${image.split(':')[1]} ${imageID?.split('@')[1]}` : [],
      ),
    )
  })

/** What a service's pod says of itself when it is asked over its Service. */
const versionOf = (checkout: Checkout, service: string) =>
  throughTunnel(checkout, async (_, rest) => {
    const path = `/api/v1/namespaces/threads/services/${service}:http/proxy/version`
    return (await rest.json<{ version: string }>(path)).version
  })

const scaleUpdater = (checkout: Checkout, replicas: number) =>
  throughTunnel(checkout, async (cluster, rest) => {
    const where = { namespace: 'argocd', name: 'argocd-image-updater-controller' }
    await patch(rest, kinds.deployments, where, { spec: { replicas } })
    await waitFor({
      what: `${replicas} pods of the Image Updater`,
      within: 60_000,
      every: 500,
      probe: async () => {
        const pods = await cluster.list<Pod>(kinds.pods, 'argocd')
        return pods.filter(({ metadata }) => metadata.name.startsWith(where.name)).length === replicas || undefined
      },
    })
  })

story('up rests only when the Image Updater has chosen a build', async ({ checkout, application }) => {
  const head = await application.head()
  const pods = [...(await running(checkout, 'nextjs')), ...(await running(checkout, 'ml-service'))]
  assert.equal(
    pods.map(pod => pod.split(' ')[0]),
    [head, head],
  )
  assert.is((await checkout.json('verify')).document.verdict, 'healthy')
})

story('the workflow is as it should be', async ({ checkout }) => {
  const check = succeeded(await checkout.json('image:check'))
  assert.equal(rulesOf(check), [])
})

story('a dry run says what would be pushed, and pushes nothing', async ({ checkout, application }) => {
  const head = await application.head()
  const dry = ended(await checkout.json('image:bump', '--service', 'ml-service', '--dry-run'), 8)
  assert.match(JSON.stringify(dry.document.phases), 'ml-service/pyproject.toml: 0.1.0 → 0.1.1')
  assert.is(await application.head(), head)
})

story('what cannot be raised is refused', async ({ checkout }) => {
  ended(await checkout.json('image:bump', '--service', 'ml-servise'), 2)
  ended(await checkout.json('image:bump', '--service', 'ml-service', '--to', '0.0.9'), 2)
  ended(await checkout.json('image:watch'), 4)
})

story('a bump arrives: every hop is timed, and the pods run its digest', async ({ checkout, application }) => {
  const bump = succeeded(await checkout.json('image:bump', '--service', 'ml-service', '--to', 'patch'))
  const { from, to, sha } = bumpOf(bump)
  assert.equal([from, to], ['0.1.0', '0.1.1'])
  assert.is(await application.head(), sha)
  assert.is((await application.subjects())[0], 'chore(ml-service): bump version to 0.1.1')
  const reached = legsOf(bump)
  assert.equal(
    reached.map(({ hop }) => hop),
    hops.map(({ id }) => id),
  )
  for (const { hop, took, error } of reached) assert.ok(took >= -error && error >= 0, `${hop}: ${took} ± ${error}`)
  const image = reached.find(({ hop }) => hop === 'image')?.evidence as { digest: string } | undefined
  assert.equal(await running(checkout, 'ml-service'), [`${sha} ${image?.digest}`])
  assert.is(await versionOf(checkout, 'ml-service'), '0.1.1')
  assert.is(bump.document.phases?.at(-1)?.id, 'verified')
  console.log(`    ${reached.map(({ hop, took, error }) => `${hop} ${took} ± ${error} ms`).join(', ')}`)
})

story('killed on the way, it is followed to its end, and not bumped twice', async ({ checkout, application }) => {
  await killDuring(checkout, 'Image Updater noticed it', ['image:bump', '--', '--service', 'nextjs', '--to', 'minor'])
  const watch = succeeded(await checkout.json('image:watch'))
  const { to, sha } = bumpOf(watch)
  assert.is(to, '0.2.0')
  assert.is(await application.head(), sha)
  assert.is(legsOf(watch).length, hops.length)
  assert.is((await running(checkout, 'nextjs'))[0]?.split(' ')[0], sha)
})

story('a hop that stalls is named, with its cause; the same command goes on from there', async ({ checkout, application }) => {
  await scaleUpdater(checkout, 0)
  const stalled = ended(await checkout.json('image:bump', '--service', 'nextjs'), 124)
  assert.match(
    (stalled.document.error as { message: string }).message,
    /"Image Updater noticed it" did not happen within 45 s; likely cause/,
  )
  assert.is(rulesOf(stalled)[0], 'updater/not-running')
  await scaleUpdater(checkout, 1)
  const resumed = succeeded(await checkout.json('image:bump', '--service', 'nextjs'))
  assert.is(bumpOf(resumed).sha, bumpOf(stalled).sha)
  assert.is(await application.head(), bumpOf(stalled).sha)
})

story(
  'outages: git refuses the push and says so; Actions that come back in time only take longer',
  async ({ checkout, application }) => {
    const head = await application.head()
    succeeded(await checkout.task('lab:fault', '--', 'git-down'))
    const refused = ended(await checkout.json('image:bump', '--service', 'nextjs'), 5)
    assert.match((refused.document.error as { message: string }).message, /503/)
    succeeded(await checkout.task('lab:fault', '--', '--clear', 'git-down'))
    assert.is(await application.head(), head)
    succeeded(await checkout.task('lab:fault', '--', 'actions-down'))
    const late = await during(checkout, 'CI run created', ['image:bump', '--', '--json', '--service', 'nextjs'], async () => {
      await new Promise(resolve => setTimeout(resolve, 5000))
      succeeded(await checkout.task('lab:fault', '--', '--clear'))
    })
    assert.is(legsOf(succeeded(late)).length, hops.length)
    assert.is((await running(checkout, 'nextjs'))[0]?.split(' ')[0], bumpOf(late).sha)
  },
)

let good: string
let forced: string

story('a workflow for arm64 is refused before the push', async ({ checkout, application }) => {
  good = ((await running(checkout, 'ml-service'))[0] ?? '').split(' ')[0] ?? ''
  const head = await application.change('ci: build for arm64', WORKFLOW, 'platforms: linux/amd64', 'platforms: linux/arm64')
  const check = ended(await checkout.json('image:check'), 6)
  assert.equal(rulesOf(check), ['workflow/platform', 'workflow/platform'])
  const refused = ended(await checkout.json('image:bump', '--service', 'ml-service'), 6)
  assert.equal(rulesOf(refused), ['workflow/platform'])
  assert.is(await application.head(), head)
})

story('forced through, the watch says why it will not arrive', async ({ checkout }) => {
  const bump = ended(await checkout.json('image:bump', '--service', 'ml-service', '--force'), 6)
  forced = bumpOf(bump).sha
  assert.equal(rulesOf(bump), ['image/platform'])
  assert.equal(
    legsOf(bump).map(({ hop }) => hop),
    ['run-created', 'run-started', 'run-completed'],
  )
  const again = ended(await checkout.json('image:watch'), 6)
  assert.equal(rulesOf(again), ['image/platform'])
})

story('the Image Updater passes over it without a word; verify has one', async ({ checkout }) => {
  // Longer than its interval.
  await new Promise(resolve => setTimeout(resolve, 15_000))
  assert.is((await running(checkout, 'ml-service'))[0]?.split(' ')[0], good)
  const verify = ended(await checkout.json('verify'), 6)
  assert.equal(rulesOf(verify), ['image/platform', 'image/platform'])
})

story('put on the Application by hand, it ends in ImagePullBackOff, and verify says why', async ({ checkout }) => {
  await scaleUpdater(checkout, 0)
  await throughTunnel(checkout, async (cluster, rest) => {
    const where = { namespace: 'argocd', name: 'threads' }
    const application = await cluster.get<Application>(kinds.applications, where)
    const others = application?.spec?.source?.kustomize?.images?.filter(entry => !entry.includes('/ml-service')) ?? []
    const images = [...others, `${IMAGES}/ml-service=${IMAGES}/ml-service:${forced}`]
    await patch(rest, kinds.applications, where, { spec: { source: { kustomize: { images } } } })
  })
  // The first attempt is an ErrImagePull.
  const found = await waitFor({
    what: 'verify to find the pod that backs off',
    within: 60_000,
    probe: async () => {
      const { document } = ended(await checkout.json('verify'), 6)
      const finding = document.findings?.find(({ rule }) => rule === 'pod/architecture')
      const text = JSON.stringify(finding ?? null)
      return text.includes('ImagePullBackOff') ? text : undefined
    },
  })
  assert.match(found, forced)
  assert.match(found, /linux\/arm64.*linux\/amd64/)
})

story('mended, the next bump arrives', async ({ checkout, application }) => {
  await application.change('ci: build for amd64', WORKFLOW, 'platforms: linux/arm64', 'platforms: linux/amd64')
  await scaleUpdater(checkout, 1)
  const bump = succeeded(await checkout.json('image:bump', '--service', 'ml-service', '--to', '1.0.0'))
  assert.equal([bumpOf(bump).from, bumpOf(bump).to], ['0.1.2', '1.0.0'])
  assert.is((await running(checkout, 'ml-service'))[0]?.split(' ')[0], bumpOf(bump).sha)
  assert.is(await versionOf(checkout, 'ml-service'), '1.0.0')
  assert.is((await checkout.json('verify')).document.verdict, 'healthy')
})

story.run()
