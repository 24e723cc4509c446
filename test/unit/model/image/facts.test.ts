import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { digestsOf, platformFinding, runsOn } from '../../../../lib/model/image/facts.ts'
import { parseReference, splitRepository } from '../../../../lib/model/image/reference.ts'
import { CHILD, DIGEST, IMAGE, image } from './fixture.ts'

const platforms = suite('runsOn')
for (const [platform, expected] of [
  ['linux/amd64', true],
  ['linux/amd64/v3', true],
  ['linux/arm64', false],
  ['linux/amd64x', false],
] as const) {
  platforms(platform, () => assert.is(runsOn(image(platform), 'linux/amd64'), expected))
}
platforms('no build at all', () => {
  const finding = platformFinding(`${IMAGE}:x`, { digest: DIGEST, builds: [] }, 'linux/amd64')
  assert.match(finding?.message ?? '', 'no platform at all')
})
platforms('a fitting one is no finding', () => assert.is(platformFinding(`${IMAGE}:x`, image(), 'linux/amd64'), undefined))
platforms('an index and its children', () => assert.equal(digestsOf(image()), [DIGEST, CHILD]))
platforms.run()

const references = suite('parseReference')
for (const [text, expected] of [
  ['postgres', { repository: 'postgres' }],
  ['docker.io/library/postgres:16', { repository: 'docker.io/library/postgres', tag: '16' }],
  ['localhost:5000/app', { repository: 'localhost:5000/app' }],
  ['localhost:5000/app:v1', { repository: 'localhost:5000/app', tag: 'v1' }],
  ['a/b@sha256:12', { repository: 'a/b', digest: 'sha256:12' }],
  ['a/b:c@sha256:12', { repository: 'a/b', tag: 'c', digest: 'sha256:12' }],
] as const) {
  references(text, () => assert.equal(parseReference(text), expected))
}
references('host and path', () => assert.equal(splitRepository('h.io:5/p/q'), { host: 'h.io:5', path: 'p/q' }))
references.run()
