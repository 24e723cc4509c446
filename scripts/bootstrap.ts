#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { bootstrap } from '../lib/phases/bootstrap.ts'
import { verb } from '../lib/phases/operation.ts'

export default verb({
  name: 'bootstrap',
  summary: 'Put k0s on the VM, or bring it to the configured version and flags. Safe to repeat.',

  phases: () => bootstrap(),
})
