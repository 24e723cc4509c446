import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Destruction } from '../../../../lib/model/layer/destruction.ts'
import { judgeDestructions, type Permissions } from '../../../../lib/model/layer/guarded.ts'
import type { Holdings } from '../../../../lib/model/layer/holdings.ts'

const rule: Destruction = {
  address: 'module.vpc.google_compute_firewall.iap',
  type: 'google_compute_firewall',
  action: 'replace',
  name: 'iap',
  holds: [],
}
const disk: Destruction = {
  address: 'module.vpc.google_compute_disk.boot',
  type: 'google_compute_disk',
  action: 'delete',
  name: 'd',
  holds: [{ kind: 'disk', name: 'd' }],
}
const release: Destruction = {
  address: 'module.argocd.helm_release.this',
  type: 'helm_release',
  action: 'delete',
  name: 'argocd/argocd',
  holds: [{ kind: 'release', name: 'argocd/argocd' }],
}
const deposed: Destruction = { ...rule, action: 'delete', deposed: 'abcd' }

const judged = suite('judgeDestructions')
const crds: Holdings = { releases: { 'argocd/argocd': { crds: ['applications.argoproj.io'], claims: [] } } }
const none: Holdings = { releases: {} }
for (const [why, destruction, permissions, holdings, expected] of [
  ['nothing allows it', rule, { guarded: false }, {}, 'unallowed'],
  ['its address does', rule, { guarded: false, allow: [rule.address] }, {}, undefined],
  ['a pattern does', rule, { guarded: false, allow: ['x', 'module.vpc.*'] }, {}, undefined],
  ['another’s address does not', rule, { guarded: false, allow: [disk.address] }, {}, 'unallowed'],
  ['data, allowed, where destroying is', disk, { guarded: false, allow: [disk.address] }, {}, undefined],
  ['data, guarded, by its address', disk, { guarded: true, allow: [disk.address] }, {}, 'guarded'],
  ['data, guarded, by a pattern', disk, { guarded: true, allow: ['*'] }, {}, 'guarded'],
  ['data, guarded, by a consent', disk, { guarded: true, consent: [disk] }, {}, 'guarded'],
  ['no data, guarded, allowed', rule, { guarded: true, allow: ['*'] }, {}, undefined],
  ['no data, guarded, not allowed', rule, { guarded: true }, {}, 'unallowed'],
  ['no data, guarded, announced', rule, { guarded: true, consent: [rule] }, {}, undefined],
  ['a release with CRDs, guarded', release, { guarded: true, allow: ['*'] }, crds, 'guarded'],
  ['a release without, guarded', release, { guarded: true, allow: ['*'] }, none, undefined],
  ['a release nobody could look at, guarded', release, { guarded: true, allow: ['*'] }, {}, 'guarded'],
  ['a release with CRDs, not guarded', release, { guarded: false, allow: ['*'] }, crds, undefined],
  ['announced', disk, { guarded: false, consent: [{ address: disk.address }] }, {}, undefined],
  ['announced by that name', disk, { guarded: false, consent: [disk] }, {}, undefined],
  [
    'announced under another name',
    disk,
    { guarded: false, consent: [{ address: disk.address, name: 'e' }] },
    {},
    'unannounced',
  ],
  ['another one was announced', disk, { guarded: false, consent: [rule] }, {}, 'unannounced'],
  ['a consent is no pattern', disk, { guarded: false, consent: [{ address: 'module.vpc.*' }] }, {}, 'unannounced'],
  ['nothing was announced', disk, { guarded: false, consent: [] }, {}, 'unannounced'],
  ['not announced, but allowed', disk, { guarded: false, consent: [rule], allow: [disk.address] }, {}, undefined],
  ['a deposed object, the other announced', deposed, { guarded: false, consent: [rule] }, {}, 'unannounced'],
  ['a deposed object was announced, this is the other', rule, { guarded: false, consent: [deposed] }, {}, 'unannounced'],
  ['a deposed object, announced', deposed, { guarded: false, consent: [deposed] }, {}, undefined],
  ['a deposed object, its address allowed', deposed, { guarded: false, allow: [rule.address] }, {}, undefined],
] as const) {
  judged(why, () => {
    const verdict = judgeDestructions([destruction], permissions as Permissions, holdings)
    assert.equal(
      verdict,
      expected === undefined
        ? { permitted: [destruction], refused: [] }
        : { permitted: [], refused: [{ destruction, reason: expected }] },
    )
  })
}
judged('each by itself', () => {
  const { permitted, refused } = judgeDestructions([rule, disk], { guarded: true, allow: ['module.vpc.*'] }, {})
  assert.equal(permitted, [rule])
  assert.equal(refused, [{ destruction: disk, reason: 'guarded' }])
})
judged('nothing to judge', () => assert.equal(judgeDestructions([], { guarded: true }, {}), { permitted: [], refused: [] }))
judged.run()
