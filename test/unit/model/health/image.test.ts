import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { imageFinding } from '../../../../lib/model/health/image.ts'
import type { ContainerStatus, Node } from '../../../../lib/model/health/objects.ts'
import { container, inBrief, node, pod } from '../../support/kubernetes.ts'

const IMAGE = 'us-east1-docker.pkg.dev/web-service-design/threads/nextjs:0f1e'
const finding = (status: Partial<ContainerStatus>, on: Node | undefined = node()) =>
  imageFinding({ pod: pod(), container: container({ ready: false, ...status }), image: IMAGE, node: on })
const waiting = (reason: string, message?: string): Partial<ContainerStatus> => ({
  state: { waiting: { reason, ...(message !== undefined && { message }) } },
})

const NO_PLATFORM = `failed to pull and unpack image "${IMAGE}": no match for platform in manifest: not found`
const WRONG_FORMAT = 'failed to start container: exec /usr/local/bin/node: exec format error'

const platforms = suite('an image of another platform')
for (const [why, status] of [
  ['pod/architecture: containerd, at the pull', waiting('ErrImagePull', NO_PLATFORM)],
  [
    'pod/architecture: containerd, backing off',
    waiting('ImagePullBackOff', `Back-off pulling image: ErrImagePull: ${NO_PLATFORM}`),
  ],
  ['pod/architecture: Docker', waiting('ErrImagePull', 'no matching manifest for linux/amd64 in the manifest list entries')],
  ['pod/architecture: the kernel, as it ends', { state: { terminated: { exitCode: 128, message: WRONG_FORMAT } } }],
  [
    'pod/architecture: the kernel, in a crash loop',
    { ...waiting('CrashLoopBackOff', 'back-off 40s'), lastState: { terminated: { exitCode: 128, message: WRONG_FORMAT } } },
  ],
  [
    'pod/architecture: a script without an interpreter for it',
    { state: { terminated: { exitCode: 1, message: 'exec user process caused: exec format error' } } },
  ],
] as [string, Partial<ContainerStatus>][]) {
  platforms(why, () => assert.equal(inBrief([finding(status)].flatMap(found => found ?? [])), ['error pod/architecture']))
}
platforms('names the image, the node’s platform and the build that cures it', () => {
  const found = finding(waiting('ErrImagePull', NO_PLATFORM))
  assert.is(found?.object, 'threads/Pod/nextjs-5d8f-x')
  assert.is(found?.message, `image ${IMAGE} is not for linux/amd64, which the node is`)
  assert.is(found?.remedy, `docker buildx build --platform linux/amd64 --push -t ${IMAGE} …`)
})
platforms('an ARM node wants the other one', () => {
  const found = finding(waiting('ErrImagePull', NO_PLATFORM), node({ status: { nodeInfo: { architecture: 'arm64' } } }))
  assert.match(found?.message ?? '', 'is not for linux/arm64')
  assert.match(found?.remedy ?? '', '--platform linux/arm64')
})
platforms('of an unknown node it says no more than it knows', () => {
  const found = imageFinding({
    pod: pod(),
    container: container({ ready: false, ...waiting('ErrImagePull', NO_PLATFORM) }),
    image: IMAGE,
    node: undefined,
  })
  assert.is(found?.message, `image ${IMAGE} is not for its node's platform`)
})
platforms('a container that is ready again has it behind it', () =>
  assert.is(finding({ ready: true, lastState: { terminated: { exitCode: 128, message: WRONG_FORMAT } } }), undefined),
)
platforms.run()

const resolving = `failed to pull and unpack image "${IMAGE}": failed to resolve reference "${IMAGE}"`
const pulls = suite('an image that can’t be pulled')
for (const [why, reason, message, expected] of [
  [
    'not found',
    'ErrImagePull',
    `rpc error: code = NotFound desc = ${resolving}: ${IMAGE}: not found`,
    'is not in the registry',
  ],
  ['an unknown manifest', 'ErrImagePull', 'manifest unknown: Failed to fetch "0f1e"', 'is not in the registry'],
  [
    'forbidden',
    'ImagePullBackOff',
    `${resolving}: unexpected status from HEAD request: 403 Forbidden`,
    'is refused by the registry',
  ],
  ['unauthorized', 'ErrImagePull', `${resolving}: failed to authorize: 401`, 'is refused by the registry'],
  [
    'denied, as Artifact Registry says it',
    'ErrImagePull',
    'denied: Permission "artifactregistry.repositories.downloadArtifacts" denied',
    'is refused',
  ],
  ['too many pulls', 'ErrImagePull', `${resolving}: 429 Too Many Requests`, 'is rate-limited by the registry'],
  ['no DNS', 'ErrImagePull', `${resolving}: dial tcp: lookup us-east1-docker.pkg.dev: no such host`, "can't be fetched"],
  ['no way out', 'ErrImagePull', `${resolving}: dial tcp 142.250.1.82:443: i/o timeout`, "can't be fetched"],
  [
    'no way out, though the commit’s digits read like a refusal',
    'ErrImagePull',
    'failed to resolve reference "threads/nextjs:4d401429ab403": dial tcp 142.250.1.82:443: i/o timeout',
    "can't be fetched",
  ],
  [
    'a name that is none',
    'InvalidImageName',
    `couldn't parse image name "${IMAGE}": invalid reference format`,
    'is not a valid image reference',
  ],
  ['a name that is none, without a message', 'InvalidImageName', undefined, 'is not a valid image reference'],
  [
    'never to be pulled',
    'ErrImageNeverPull',
    'Container image is not present with pull policy of Never',
    "can't be pulled: Container image",
  ],
  ['a reason alone', 'ErrImagePull', undefined, "can't be pulled: ErrImagePull, without a message"],
  ['an empty message', 'ImagePullBackOff', '', "can't be pulled: ImagePullBackOff, without a message"],
  ['an image that can’t be read', 'ImageInspectError', 'blob is missing', "can't be pulled: blob is missing"],
  ['a registry that is away', 'RegistryUnavailable', 'no answer', "can't be pulled: no answer"],
  ['a signature that does not hold', 'SignatureValidationFailed', 'bad signature', "can't be pulled: bad signature"],
] as [string, string, string | undefined, string][]) {
  pulls(`pod/image: ${why}`, () => {
    const found = finding(waiting(reason, message))
    assert.equal(inBrief(found ? [found] : []), ['error pod/image'])
    assert.match(found?.message ?? '', `image ${IMAGE} ${expected}`)
    assert.ok(found?.remedy)
  })
}
pulls('what the container said before it ended is no reason of the pull', () => {
  const before = { lastState: { terminated: { exitCode: 1, message: 'dial tcp 10.0.0.5:5432: connection refused' } } }
  const found = finding({ ...waiting('ImagePullBackOff', 'Back-off pulling image'), ...before })
  assert.is(found?.message, `image ${IMAGE} can't be pulled: Back-off pulling image`)
})
pulls('where nothing better is known, the pod’s events', () =>
  assert.is(finding(waiting('ErrImagePull'))?.remedy, 'kubectl -n threads describe pod nextjs-5d8f-x'),
)
for (const [why, status] of [
  ['it waits for its volume', waiting('ContainerCreating')],
  ['it crashes', { ...waiting('CrashLoopBackOff'), lastState: { terminated: { exitCode: 1, message: 'no database' } } }],
  ['it runs', {}],
] as [string, Partial<ContainerStatus>][]) {
  pulls(`another trouble: ${why}`, () => assert.is(finding(status), undefined))
}
pulls.run()
