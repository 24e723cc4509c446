import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pinnedFindings } from '../../../../lib/model/health/pinned.ts'
import { application, IMAGE, OLD, PREFIX } from '../image/fixture.ts'

const pinned = suite('pinnedFindings')
for (const [why, seen, expected] of [
  ['nothing runs yet', application({ live: [] }), []],
  ['a build that the updater may choose', application(), []],
  ['latest', application({ live: [`${IMAGE}:latest`] }), ['warning image/unpinned']],
  ['in a rollout from latest', application({ live: [`${IMAGE}:${OLD}`, `${IMAGE}:latest`] }), ['warning image/unpinned']],
  ['an image that is none of the updater’s', application({ live: ['docker.io/library/postgres:16'] }), []],
  ['no updater at all', application({ live: [`${IMAGE}:latest`], annotations: { [`${PREFIX}/image-list`]: '' } }), []],
] as const) {
  pinned(why, () => {
    const findings = pinnedFindings([seen])
    assert.equal(
      findings.map(({ severity, rule }) => `${severity} ${rule}`),
      expected,
    )
    assert.ok(findings.every(({ heals }) => heals))
  })
}
const LISTED = readFileSync(new URL('../image/list-constraint.json', import.meta.url), 'utf8')
pinned('an image that is listed with a constraint', () =>
  assert.is(pinnedFindings([JSON.parse(LISTED)])[0]?.rule, 'image/unpinned'),
)
pinned.run()
