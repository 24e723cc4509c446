import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { matchesPattern, settingsOf } from '../../../lab/delivery/image-updater/annotations.ts'
import { candidates, liveTag, newestBuild, type Tag, withImage } from '../../../lab/delivery/image-updater/decide.ts'
import { intervalMs } from '../../../lab/delivery/image-updater/interval.ts'

const PREFIX = 'argocd-image-updater.argoproj.io'
const image = 'us-east1-docker.pkg.dev/p/threads/ml-service'
const sha = (letter: string) => letter.repeat(40)
const annotated = (more: Record<string, string> = {}) => {
  const settings = settingsOf({
    [`${PREFIX}/image-list`]: `nextjs=${image.replace('ml-service', 'nextjs')}, ml-service=${image}`,
    [`${PREFIX}/ml-service.update-strategy`]: 'newest-build',
    [`${PREFIX}/ml-service.allow-tags`]: 'regexp:^[0-9a-f]{40}$',
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [`${PREFIX}/${name}`, value])),
  })
  const found = settings?.images[1]
  if (!found) throw new Error('no settings')
  return found
}

const settings = suite('settingsOf')
settings('an Application without a list is not the updater’s', () => assert.is(settingsOf({}), undefined))
settings('alias, image, strategy', () => {
  const { alias, image: name, strategy } = annotated()
  assert.equal([alias, name, strategy], ['ml-service', image, 'newest-build'])
})
settings("an image's own setting goes before the Application's", () =>
  assert.equal(annotated({ platforms: 'linux/arm64', 'ml-service.platforms': 'linux/amd64' }).platforms, ['linux/amd64']),
)
settings("the Application's goes for all", () =>
  assert.equal(annotated({ platforms: 'linux/arm64,linux/amd64' }).platforms, ['linux/arm64', 'linux/amd64']),
)
settings.run()

const filters = suite('candidates')
for (const [why, more, expected] of [
  ['latest is no commit id', {}, [sha('a'), sha('b')]],
  ['any tag', { 'ml-service.allow-tags': 'any' }, ['latest', sha('a'), sha('b')]],
  ['an ignored tag', { 'ml-service.ignore-tags': sha('a') }, [sha('b')]],
  ['an ignored pattern', { 'ml-service.ignore-tags': 'x, bbb*' }, [sha('a')]],
  ['a filter that is no pattern lets none pass', { 'ml-service.allow-tags': 'regexp:(' }, []],
  ['a filter of an unknown kind neither', { 'ml-service.allow-tags': 'glob:*' }, []],
] as const) {
  filters(why, () => assert.equal(candidates(['latest', sha('a'), sha('b')], annotated(more)), expected))
}
filters.run()

const patterns = suite('matchesPattern')
for (const [pattern, text, expected] of [
  ['threads', 'threads', true],
  ['threads', 'threads-2', false],
  ['thr*', 'threads', true],
  ['thread?', 'threads', true],
  ['*', 'a/b', false],
  ['v1.0', 'v1x0', false],
] as const) {
  patterns(`${pattern} ${text}`, () => assert.is(matchesPattern(pattern, text), expected))
}
patterns.run()

const build = (name: string, platform: string, created: string): Tag => ({ name, builds: [{ platform, created }] })
const choice = suite('newestBuild')
for (const [why, tags, expected] of [
  ['no tag', [], undefined],
  [
    'the newest by its build, not by its name',
    [build(sha('b'), 'linux/amd64', '2025-01-01T00:00:00Z'), build(sha('a'), 'linux/amd64', '2025-01-02T00:00:00Z')],
    sha('a'),
  ],
  [
    'equally old ones: the lexically last',
    [build(sha('a'), 'linux/amd64', '2025-01-01T00:00:00Z'), build(sha('b'), 'linux/amd64', '2025-01-01T00:00:00Z')],
    sha('b'),
  ],
  [
    'one for arm64 alone is passed over, however new',
    [build(sha('a'), 'linux/amd64', '2025-01-01T00:00:00Z'), build(sha('b'), 'linux/arm64', '2025-01-02T00:00:00Z')],
    sha('a'),
  ],
  [
    'of an index the youngest build for a wanted platform counts',
    [
      {
        name: sha('a'),
        builds: [
          { platform: 'linux/amd64', created: '2025-01-01T00:00:00Z' },
          { platform: 'linux/arm64', created: '2025-01-09T00:00:00Z' },
        ],
      },
      build(sha('b'), 'linux/amd64', '2025-01-02T00:00:00Z'),
    ],
    sha('b'),
  ],
  ['a variant of the wanted platform', [build(sha('a'), 'linux/amd64/v2', '2025-01-01T00:00:00Z')], sha('a')],
] as [string, Tag[], string | undefined][]) {
  choice(why, () =>
    assert.is(
      newestBuild(tags, ['linux/amd64'], () => undefined),
      expected,
    ),
  )
}
choice('what is passed over is said at level debug only', () => {
  const said: string[] = []
  newestBuild([build(sha('b'), 'linux/arm64', '2025-01-02T00:00:00Z')], ['linux/amd64'], (level, message) =>
    said.push(`${level} ${message}`),
  )
  assert.equal(said, [`debug ignoring ${sha('b')}. Manifest platform: linux/arm64, requested: linux/amd64`])
})
choice.run()

const live = suite('liveTag')
for (const [why, images, expected] of [
  ['nothing runs yet', undefined, undefined],
  ['another image alone', ['postgres:16'], undefined],
  ['a tag', [`${image}:latest`], 'latest'],
  ['during a rollout the first', [`${image}:${sha('a')}`, `${image}:${sha('b')}`], sha('a')],
  ['a registry with a port', ['localhost:5000/x', `${image}:v1`], 'v1'],
] as [string, string[] | undefined, string | undefined][]) {
  live(why, () => assert.is(liveTag(images, image), expected))
}
live.run()

const writing = suite('withImage')
const kustomized = { image, kustomizeName: image }
for (const [why, images, expected] of [
  ['the first image', [], [`${image}=${image}:new`]],
  ['another tag of it', [`${image}=${image}:old`], [`${image}=${image}:new`]],
  ['one written by hand, without a new name', [`${image}:old`], [`${image}=${image}:new`]],
  ['others stay', ['postgres=x/postgres:1'], ['postgres=x/postgres:1', `${image}=${image}:new`]],
] as const) {
  writing(why, () => assert.equal(withImage(images, kustomized, 'new'), expected))
}
writing('without a name in the kustomization', () =>
  assert.equal(withImage([`${image}:old`], { image, kustomizeName: undefined }, 'new'), [`${image}:new`]),
)
writing.run()

const intervals = suite('intervalMs')
for (const [text, expected] of [
  ['2m', 120_000],
  ['1m30s', 90_000],
  ['10s', 10_000],
  ['500', 500],
  ['0', 0],
] as const) {
  intervals(text, () => assert.is(intervalMs(text), expected))
}
intervals('no duration', () => assert.throws(() => intervalMs('soon'), /invalid duration/))
intervals.run()
