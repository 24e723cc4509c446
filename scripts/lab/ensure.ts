#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { script } from '../../lib/runtime/script.ts'

export default script({
  name: 'lab:ensure',
  summary: 'Start the lab unless it is up; silent when it is.',

  async run({ log, signal }) {
    const { isUp } = await import('../../lab/lifecycle/current.ts')
    const wasUp = await isUp()
    if (!wasUp) {
      // Every verb runs this first: when the lab is up, it must cost next to nothing.
      const { up } = await import('../../lab/lifecycle/lifecycle.ts')
      await up(log, signal)
    }
    return { document: { started: !wasUp } }
  },
})
