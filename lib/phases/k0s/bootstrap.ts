import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'
import { vmReachable } from '../vm/reachable.ts'
import { k0sBinary } from './binary.ts'
import { k0sConfig } from './config.ts'
import { k0sRunning } from './running.ts'
import { k0sService } from './service.ts'
import { hostSuitable } from './suitable.ts'

/** Brings k0s up on the VM, from scratch or from wherever an earlier run, an upgrade or a preemption left it. */
export const bootstrap = (): Phase<Context>[] => [
  vmReachable(),
  hostSuitable(),
  k0sBinary(),
  k0sConfig(),
  k0sService(),
  k0sRunning(),
]
