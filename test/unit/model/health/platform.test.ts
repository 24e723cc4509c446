import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ContainerStatus } from '../../../../lib/model/health/objects.ts'
import { imagesInDoubt, withPlatforms } from '../../../../lib/model/health/platform.ts'
import { podFindings } from '../../../../lib/model/health/pod.ts'
import type { ImageFacts } from '../../../../lib/model/image/facts.ts'
import { ago, container, inBrief, MINUTE, NOW, node, pod, ready } from '../../support/kubernetes.ts'

const IMAGE = 'us-east1-docker.pkg.dev/web-service-design/threads/nextjs:0f1e'
const found = (state: Partial<ContainerStatus>, on = node()) =>
  podFindings(
    [pod({ status: { conditions: ready('False', ago(MINUTE)), containerStatuses: [container({ ready: false, ...state })] } })],
    [on],
    NOW,
  )
const facts = (...platforms: string[]) =>
  new Map<string, ImageFacts>([
    [IMAGE, { digest: 'sha256:aa', builds: platforms.map(platform => ({ platform, digest: 'sha256:bb' })) }],
  ])

const refused = found({ state: { waiting: { reason: 'ErrImagePull', message: 'no match for platform in manifest' } } })
/** Of a program of another architecture the kernel's words go to the log alone. */
const loop = found({
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { exitCode: 255, reason: 'Error' } },
})
const crash = found({ lastState: { terminated: { exitCode: 255, reason: 'Error' } } })
const starting = found({ state: { waiting: { reason: 'ContainerCreating' } } })

const doubts = suite('imagesInDoubt')
for (const [why, findings, expected] of [
  ['one that the kubelet refuses', refused, [IMAGE]],
  ['one whose program crashes', loop, [IMAGE]],
  ['one whose program has crashed', crash, [IMAGE]],
  ['each once', [...refused, ...loop], [IMAGE]],
  ['not one that only starts', starting, []],
  ['not one whose pull fails otherwise', found({ state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } }), []],
] as const) {
  doubts(why, () => assert.equal(imagesInDoubt(findings), expected))
}
doubts.run()

const platforms = suite('withPlatforms')
for (const [why, findings, known, expected] of [
  [
    'pod/architecture: the kubelet’s refusal, with what the image has',
    refused,
    facts('linux/arm64'),
    ['error pod/architecture'],
  ],
  ['pod/architecture: the registry knows why it crashes', loop, facts('linux/arm64'), ['error pod/architecture']],
  ['pod/architecture: the same between two back-offs', crash, facts('linux/arm64'), ['error pod/architecture']],
  ['a crash of an image that has the node’s platform', loop, facts('linux/amd64', 'linux/arm64'), ['error pod/crash-loop']],
  ['a crash of an image of which nothing is known', loop, new Map(), ['error pod/crash-loop']],
  ['a crash of an image without any platform', loop, facts(), ['error pod/crash-loop']],
  ['a refusal of an image of which nothing is known', refused, new Map(), ['error pod/architecture']],
  ['what only starts', starting, facts('linux/arm64'), ['warning pod/not-ready, heals']],
] as const) {
  platforms(why, () => assert.equal(inBrief(withPlatforms(findings, known)), expected))
}
for (const [why, findings] of [
  ['a refusal', refused],
  ['a crash', loop],
] as const) {
  platforms(`what it says of ${why}`, () => {
    const [finding] = withPlatforms(findings, facts('linux/arm64', 'linux/arm/v7'))
    assert.is(finding?.object, 'threads/Pod/nextjs-5d8f-x')
    assert.is(finding?.message, `image ${IMAGE} has {linux/arm64, linux/arm/v7}, the node is linux/amd64`)
    assert.equal((finding?.evidence as { platforms: string[] } | undefined)?.platforms, ['linux/arm64', 'linux/arm/v7'])
    assert.match(finding?.remedy ?? '', `docker buildx build --platform linux/amd64 --push -t ${IMAGE}`)
  })
}
platforms('of an ARM node the other way round', () => {
  const arm = node({ status: { nodeInfo: { architecture: 'arm64' } } })
  const crashing = found(
    { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 255 } } },
    arm,
  )
  assert.equal(inBrief(withPlatforms(crashing, facts('linux/amd64'))), ['error pod/architecture'])
  assert.equal(inBrief(withPlatforms(crashing, facts('linux/arm64'))), ['error pod/crash-loop'])
})
platforms('a refusal of an image that has the platform by now stays in the kubelet’s words', () =>
  assert.equal(withPlatforms(refused, facts('linux/amd64')), refused),
)
platforms.run()
