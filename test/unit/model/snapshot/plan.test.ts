import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { snapshotPlan } from '../../../../lib/model/snapshot/plan.ts'

const subject = {
  environment: 'prod',
  vm: 'threads-prod-vm',
  disk: 'threads-prod-vm-boot',
  serial: 12,
  lineage: '9d2c6f0e-New',
  now: new Date('2025-11-01T14:47:36Z'),
}

const plans = suite('snapshotPlan')
plans('a layer on the VM', () =>
  assert.equal(snapshotPlan({ ...subject, layer: '01-k8s', base: false }), {
    name: 'threads-prod-vm-01-k8s-20251101-144736',
    disk: 'threads-prod-vm-boot',
    description: 'Snapshot after 01-k8s layer applied (ArgoCD, External Secrets, Local Path Provisioner)',
    labels: {
      'managed-by': 'threads-ops',
      environment: 'prod',
      layer: '01-k8s',
      'state-serial': '12',
      'state-lineage': '9d2c6f0e-new',
      consistency: 'crash',
    },
  }),
)
plans('the base layer is named as the original did', () =>
  assert.is(snapshotPlan({ ...subject, layer: '00-vpc', base: true }).name, 'snapshot-00-vpc-20251101-144736'),
)
plans('a layer that nobody described', () =>
  assert.is(snapshotPlan({ ...subject, layer: '03-new', base: false }).description, 'Snapshot after 03-new layer applied'),
)
plans.run()
