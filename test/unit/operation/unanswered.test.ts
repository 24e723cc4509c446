import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError, Unreachable } from '../../../lib/cluster/rest.ts'
import { unanswered } from '../../../lib/operation/unanswered.ts'
import { external, OpsError } from '../../../lib/runtime/errors.ts'

const NONE = new Unreachable("can't reach the Kubernetes API", undefined)
const answers = suite('what a script has failed with')
for (const [why, error, status, expected] of [
  ['no answer, and the VM is off by its schedule', NONE, 'TERMINATED', '4 VM/vm is off until 09:00 (UTC), by its schedule'],
  ['no answer of a VM that runs', NONE, 'RUNNING', "5 can't reach the Kubernetes API"],
  ['no answer, and nothing known of the VM', NONE, undefined, "5 can't reach the Kubernetes API"],
  ['an answer', new ApiError(403, 'forbidden', ''), 'TERMINATED', '5 forbidden'],
  ['another service', external('GitHub is away', ''), 'TERMINATED', '5 GitHub is away'],
  ['a bug', new TypeError('a bug'), 'TERMINATED', 'a bug'],
] as const)
  answers(why, async () => {
    const explained = (await unanswered(error, {
      environment: { schedule: { on: '09:00', off: '21:00', timeZone: 'UTC' } },
      now: () => new Date('2025-12-01T03:00:00Z'),
      baseLayer: '00-vpc',
      output: async () => 'vm',
      compute: async () => {
        if (!status) throw new Error('away')
        return { vm: async () => ({ status, statusMessage: '' }) }
      },
    } as unknown as Parameters<typeof unanswered>[1])) as Error
    assert.is(`${explained instanceof OpsError ? `${explained.code} ` : ''}${explained.message}`, expected)
  })
answers.run()
