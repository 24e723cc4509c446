import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { namespaceFindings } from '../../../../lib/model/health/namespace.ts'
import type { Namespace } from '../../../../lib/model/health/objects.ts'
import { ago, type Change, inBrief, MINUTE, NOW, namespace } from '../../support/kubernetes.ts'

const findings = (change: Change<Namespace>) => namespaceFindings([namespace(change)], NOW)
const going: Change<Namespace> = {
  metadata: { deletionTimestamp: ago(3 * MINUTE), finalizers: ['example.org/keep'] },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Terminating' },
}
const remaining = (status: 'True' | 'False') => ({
  type: 'NamespaceFinalizersRemaining',
  status,
  message: 'Some content in the namespace has finalizers remaining: argocd.argoproj.io in 1 resource instances',
})

const rules = suite('namespaceFindings')
rules('active', () => assert.equal(findings({}), []))
rules('namespace/terminating', () => assert.equal(inBrief(findings(going)), ['warning namespace/terminating']))
rules('with its finalizers', () => {
  const [found] = findings(going)
  assert.is(found?.message, 'has been terminating for 3 min; finalizers: example.org/keep, kubernetes')
  assert.match(found?.remedy ?? '', 'kubectl get namespace threads')
})
rules('with what is left in it', () => {
  const [found] = findings({ ...going, status: { phase: 'Terminating', conditions: [remaining('True')] } })
  assert.match(found?.message ?? '', 'argocd.argoproj.io in 1 resource instances')
})
rules('without what has gone', () => {
  const [found] = findings({ ...going, status: { phase: 'Terminating', conditions: [remaining('False')] } })
  assert.not.match(found?.message ?? '', 'argocd.argoproj.io')
})
rules.run()
