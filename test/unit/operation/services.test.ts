import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ServiceContext, servicesAnswer } from '../../../lib/operation/services.ts'
import { external, type OpsError, precondition, timedOut } from '../../../lib/runtime/errors.ts'

const LAYERS = ['00-vpc', '01-k8s']
/** Every service answers, but for what is said. */
const world = (over: object): ServiceContext =>
  ({
    signal: new AbortController().signal,
    defaults: async () => ({ project: 'p', zone: 'z', region: 'r' }),
    exists: async () => true,
    store: async () => ({ exists: async () => true }),
    cluster: async () => ({ exists: async () => true }),
    ...over,
  }) as unknown as ServiceContext
const fails = (error: Error) => () => Promise.reject(error)
const SILENT = timedOut('nobody answers', 'wait')
const REFUSED = external('it refuses', 'mend it')
const MISSING = precondition('it is not there yet', 'bring it up')

const answers = suite('the services that a layer’s Terraform reads from')
for (const [what, layer, over, code] of [
  ['all answer', '01-k8s', {}, undefined],
  ['Compute Engine is silent', '00-vpc', { exists: fails(SILENT) }, 124],
  ['Compute Engine refuses', '01-k8s', { exists: fails(REFUSED) }, 5],
  ['Cloud Storage is silent', '01-k8s', { store: fails(SILENT) }, 124],
  ['there is no VM yet', '00-vpc', { exists: fails(MISSING), store: fails(MISSING) }, undefined],
  ['the Kubernetes API is silent', '01-k8s', { cluster: fails(SILENT) }, 124],
  ['the Kubernetes API is silent, which the layer does not need', '00-vpc', { cluster: fails(SILENT) }, undefined],
  ['the cluster is not there yet', '01-k8s', { cluster: fails(MISSING) }, undefined],
] as const) {
  answers(what, async () => {
    const thrown = await servicesAnswer(layer, LAYERS, world(over)).catch((error: OpsError) => error)
    assert.is(thrown?.code, code)
  })
}
answers.run()
