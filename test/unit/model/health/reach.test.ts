import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Reach, reachFinding } from '../../../../lib/model/health/reach.ts'
import { inBrief } from '../../support/kubernetes.ts'

const HERE: Reach = {
  error: "can't reach the Kubernetes API at https://127.0.0.1:16443: socket hang up",
  vm: { name: 'threads-prod-vm', status: 'RUNNING' },
  layer: '00-vpc',
  dial: undefined,
  tunnel: { address: '127.0.0.1:16443', own: true },
}
const vm = (status?: string): Partial<Reach> => ({
  vm: { name: 'threads-prod-vm', ...(status !== undefined && { status }) } as Reach['vm'],
})

const reach = suite('reachFinding')
for (const [why, change, rule, message, remedy] of [
  [
    'the VM is gone',
    vm(),
    'error vm/missing',
    "is in Terraform's state but not in the project",
    './taskw layer:apply -- 00-vpc',
  ],
  ['preempted', vm('TERMINATED'), 'error vm/stopped', 'is TERMINATED: somebody stopped it, or Google took', './taskw up'],
  ['being preempted', vm('STOPPING'), 'error vm/stopped', 'is STOPPING', './taskw up'],
  [
    'off by its schedule',
    { vm: { name: 'threads-prod-vm', status: 'TERMINATED', offUntil: '09:00 (Asia/Taipei)' } },
    'warning vm/off, heals',
    'is off until 09:00 (Asia/Taipei), by its schedule',
    './taskw up',
  ],
  ['about to run', vm('PROVISIONING'), 'warning vm/starting, heals', 'is PROVISIONING', ''],
  ['about to boot', vm('STAGING'), 'warning vm/starting, heals', 'is STAGING', ''],
  [
    'the disk is full, and etcd with it',
    { diskFree: 3 * 2 ** 20, dial: 'nothing listens on port 6443' },
    'error vm/disk-full',
    'has 3 MiB left on its disk',
    'free space on it',
  ],
  ['a disk with room', { diskFree: 10 ** 9, dial: 'refused' }, 'error api/down', 'refused', './taskw up'],
  [
    'k0s does not run',
    { dial: 'nothing listens on port 6443' },
    'error api/down',
    'its Kubernetes API is not: nothing listens on port 6443',
    './taskw up',
  ],
  [
    'a stopped VM explains why nothing listens',
    { ...vm('TERMINATED'), dial: 'not running' },
    'error vm/stopped',
    'is TERMINATED',
    './taskw up',
  ],
  [
    'somebody’s tunnel has died',
    { tunnel: { address: '127.0.0.1:16443', own: false } },
    'error tunnel/dead',
    'another process listens on 127.0.0.1:16443',
    'fuser -v -n tcp 16443',
  ],
  [
    'somebody’s tunnel, but nothing at its far end',
    { dial: 'refused', tunnel: { address: '127.0.0.1:16443', own: false } },
    'error api/down',
    'refused',
    './taskw up',
  ],
  ['all of that is well', {}, 'error api/unreachable', 'socket hang up', './taskw kubeconfig'],
] as [string, Partial<Reach>, string, string, string][]) {
  reach(why, () => {
    const found = reachFinding({ ...HERE, ...change })
    assert.equal(inBrief([found]), [rule])
    assert.match(found.message, message)
    assert.match(found.remedy ?? '', remedy)
    assert.match(found.object, rule.includes('tunnel/') ? 'Tunnel/127.0.0.1:16443' : 'VM/threads-prod-vm')
  })
}
reach.run()
