#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { script } from '../../lib/runtime/script.ts'

export default script({
  name: 'lab:preempt',
  summary: 'Take the spot machine away, as Google may at any time: 30 s of notice, then it is off.',

  define: command => command.argument('[name]', 'the machine; not needed when there is only one'),

  async run({ args: [name], log }) {
    const { preempt } = await import('../../lab/faults/preempt.ts')
    const machine = await preempt(name)
    log.info(`${machine} is being preempted`)
    return { document: { machine } }
  },
})
