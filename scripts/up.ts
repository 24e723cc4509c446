#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { type ApplyOptions, applyOptions } from '../lib/command-line/options.ts'
import { verb } from '../lib/command-line/verb.ts'

export default verb<ApplyOptions>({
  name: 'up',
  summary: 'Bring everything up, layer by layer, until it is verified. Safe to repeat.',

  define: applyOptions,

  async work(context, { options }) {
    const { broughtUp } = await import('../lib/phases/brought-up.ts')
    const { applyPolicy } = await import('../lib/phases/layer/policy.ts')
    return { phases: broughtUp(context, applyPolicy(options)) }
  },
})
