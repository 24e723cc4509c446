import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { updaterImages } from '../../../../lib/model/image/updater.ts'
import type { ImageUpdater } from '../../../../lib/model/image/world.ts'
import { application, IMAGE, PREFIX, SHA } from './fixture.ts'

const annotated = (annotations: Record<string, string>) =>
  updaterImages(
    application({
      annotations: Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`${PREFIX}/${name}`, value])),
    }),
  )

const lists = suite('updaterImages')
for (const [why, list, expected] of [
  ['none', '', []],
  ['one with an alias', `ml-service=${IMAGE}`, [IMAGE]],
  ['one without', IMAGE, [IMAGE]],
  ['several', `a=x/a, b=x/b`, ['x/a', 'x/b']],
] as const) {
  lists(why, () =>
    assert.equal(
      annotated({ 'image-list': list }).map(({ image }) => image),
      expected,
    ),
  )
}
lists.run()

const filters = suite('allows, ignores')
for (const [why, annotations, tag, allows, ignores] of [
  ['a commit id', {}, SHA, true, false],
  ['latest', {}, 'latest', false, false],
  ['any', { 'ml-service.allow-tags': 'any' }, 'latest', true, false],
  ["the Application's filter", { 'ml-service.allow-tags': 'regexp:x', 'allow-tags': 'any' }, 'latest', false, false],
  ['a filter that is no pattern', { 'ml-service.allow-tags': 'regexp:(' }, SHA, false, false],
  ['a filter of an unknown kind', { 'ml-service.allow-tags': 'glob:*' }, SHA, false, false],
  ['an ignored tag', { 'ml-service.ignore-tags': 'x, bbb*' }, SHA, true, true],
] as [string, Record<string, string>, string, boolean, boolean][]) {
  filters(why, () => {
    const [image] = annotated(annotations)
    assert.equal([image?.allows(tag), image?.ignores(tag)], [allows, ignores])
  })
}
filters.run()

/** An Image Updater of version 1.0 or later, with these entries. */
const updater = (...applicationRefs: object[]) =>
  ({
    metadata: { name: 'threads', namespace: 'argocd', uid: 'cr' },
    spec: { commonUpdateSettings: { allowTags: 'regexp:^v' }, applicationRefs },
  }) as ImageUpdater
const OWN = { imageName: `${IMAGE}:latest` }
const resources = suite('an ImageUpdater')
for (const [why, updaters, expected] of [
  ['none: the annotations', undefined, [IMAGE, true, false, ['linux/amd64']]],
  [
    'one that reads the annotations',
    [updater({ namePattern: 'threads', useAnnotations: true, images: [OWN] })],
    [IMAGE, true, false, ['linux/amd64']],
  ],
  ['one for another Application', [updater({ namePattern: 'other', images: [OWN] })], [IMAGE, true, false, ['linux/amd64']]],
  ['its own images, with the settings for all', [updater({ namePattern: 'thr*', images: [OWN] })], [IMAGE, false, false, []]],
  [
    "with the Application's",
    [updater({ namePattern: 'thr*', images: [OWN], commonUpdateSettings: { allowTags: 'any', platforms: ['linux/arm64'] } })],
    [IMAGE, true, false, ['linux/arm64']],
  ],
  [
    "with the image's",
    [
      updater({
        namePattern: 'thr*',
        commonUpdateSettings: { allowTags: 'regexp:x' },
        images: [{ ...OWN, platforms: ['linux/amd64'], commonUpdateSettings: { allowTags: 'any', ignoreTags: ['bbb*'] } }],
      }),
    ],
    [IMAGE, true, true, ['linux/amd64']],
  ],
] as [string, ImageUpdater[] | undefined, unknown[]][]) {
  resources(why, () => {
    const [found, ...more] = updaterImages(application(), updaters)
    assert.equal([found?.image, found?.allows(SHA), found?.ignores(SHA), found?.platforms], expected)
    assert.equal(more, [])
  })
}
resources.run()

const entries = suite('an entry of an image list')
for (const [entry, image] of [
  [`ml=${IMAGE}:latest`, IMAGE],
  [`${IMAGE}:>=1.0`, IMAGE],
  [`ml=${IMAGE}:>=1.0`, IMAGE],
  [`ml=${IMAGE}:~1.2`, IMAGE],
  ['localhost:5000/app', 'localhost:5000/app'],
  ['a=localhost:5000/app:1.x', 'localhost:5000/app'],
] as const) {
  entries(entry, () => {
    const listed = application({ annotations: { [`${PREFIX}/image-list`]: entry } })
    assert.equal(
      updaterImages(listed).map(one => one.image),
      [image],
    )
  })
}
entries.run()
