import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  adoptions,
  nestedAdoption,
  nestedResources,
  stateLock,
  strandedReleases,
} from '../../../../lib/model/layer/adoption.ts'

const error = (summary: string, detail = '', address: string | undefined = 'module.m.r.n') => ({
  summary,
  detail,
  ...(address !== undefined && { address }),
})

const adopts = suite('adoptions')
for (const [why, summary, expected] of [
  [
    'a global resource',
    "Error creating Network: googleapi: Error 409: The resource 'projects/p/global/networks/n' already exists, alreadyExists",
    'projects/p/global/networks/n',
  ],
  [
    'a zonal one',
    "Error creating Disk: googleapi: Error 409: The resource 'projects/p/zones/z/disks/d' already exists, alreadyExists",
    'projects/p/zones/z/disks/d',
  ],
  [
    'a service account',
    'Error creating service account: googleapi: Error 409: Service account vm already exists within project projects/p., alreadyExists',
    'projects/p/serviceAccounts/vm@p.iam.gserviceaccount.com',
  ],
  ['any other conflict', 'googleapi: Error 409: The resource is being used, resourceInUse', undefined],
] as const) {
  adopts(why, () => assert.equal(adoptions([error(summary)]), expected ? [{ address: 'module.m.r.n', id: expected }] : []))
}
adopts('an error without an address tells nothing', () =>
  assert.equal(adoptions([{ summary: "The resource 'projects/p/x' already exists", detail: '' }]), []),
)
adopts('a Helm release of that name', () =>
  assert.equal(strandedReleases([error('cannot re-use a name that is still in use')]), [{ address: 'module.m.r.n' }]),
)
adopts('a part of another resource, whose message has no path', () =>
  assert.equal(nestedResources([error('Unable to create RouterNat, existing object already found: map[name:n]')]), [
    'module.m.r.n',
  ]),
)
adopts.run()

const nested = suite('nestedAdoption')
const nat = { project: 'p', region: 'r', router: 'router', name: 'nat' }
for (const [why, address, expected] of [
  ['in a module', 'module.networking.google_compute_router_nat.this', 'projects/p/regions/r/routers/router/nat'],
  ['in the root', 'google_compute_router_nat.this', 'projects/p/regions/r/routers/router/nat'],
  ['of several', 'module.n["a.b"].google_compute_router_nat.this["x"]', 'projects/p/regions/r/routers/router/nat'],
  ['of a type that is not known', 'module.n.google_compute_route.this', undefined],
] as const) {
  nested(why, () => assert.equal(nestedAdoption(address, nat), expected && { address, id: expected }))
}
nested.run()

const locks = suite('stateLock')
const detail = `writing "gs://b/00-vpc/state/default.tflock" failed: googleapi: Error 412: conditionNotMet
Lock Info:
  ID:        1764000000000001
  Path:      gs://b/00-vpc/state/default.tflock
  Operation: OperationTypeApply
  Who:       ann@desk
  Version:   1.11.4
  Created:   2025-11-01 12:00:00.000 +0000 UTC
  Info:

Terraform acquires a state lock to protect the state`
locks('its holder', () =>
  assert.equal(stateLock([error('Error acquiring the state lock', detail)]), {
    id: '1764000000000001',
    who: 'ann@desk',
    created: '2025-11-01 12:00:00.000 +0000 UTC',
  }),
)
locks('another error', () => assert.is(stateLock([error('Error creating Network')]), undefined))
locks.run()
