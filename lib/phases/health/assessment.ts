import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '../../cluster/rest.ts'
import type { Watcher } from '../../cluster/watcher.ts'
import { type Assessment, assess } from '../../model/health/assess.ts'
import { blocking, type Finding, overdue, sorted, verdictOf } from '../../model/health/finding.ts'
import type { Expectations, Inventory } from '../../model/health/inventory.ts'
import { APPLY, type Makers, makersOf } from '../../model/layer/maker.ts'
import type { Context } from '../../operation/context.ts'
import { exitCodes, interrupted, OpsError } from '../../runtime/errors.ts'
import { hopeless } from './reach.ts'

export type ClusterContext = Pick<Context, 'environment' | 'cluster' | 'terraform' | 'signal' | 'now'>
/** Waiting also reports what it waits for, and checks the VM when the API does not answer. */
export type WaitContext = ClusterContext & Pick<Context, 'log' | 'progress' | 'compute' | 'output' | 'baseLayer'>

/** Rules depend on the clock, too: something may become overdue although nothing changes. In milliseconds. */
const RECHECK_MS = 5000
/** How soon a lost connection is tried again. In milliseconds. */
export const RECONNECT_MS = 2000

/** The health of the environment's cluster right now. */
export async function assessment(
  context: ClusterContext,
  expected: Expectations = context.environment.verify,
): Promise<Assessment> {
  const cluster = await context.cluster()
  const { inventory } = await cluster.inventory(context.signal)
  return judge(inventory, expected, context)
}

/** The states are asked for the layers that make what is missing only if something is. */
async function judge(
  inventory: Inventory,
  expected: Expectations,
  { now, terraform }: Pick<Context, 'now' | 'terraform'>,
): Promise<Assessment> {
  const found = assess(inventory, expected, now())
  const isMissing = found.some(({ remedy }) => remedy?.startsWith(APPLY))
  const makers = isMissing ? await makersIn(terraform).catch(() => undefined) : undefined
  const findings = makers ? assess(inventory, { ...expected, makers }, now()) : found
  return { verdict: verdictOf(findings), findings }
}

const makersIn = async ({ layers, resources }: Context['terraform']): Promise<Makers> =>
  makersOf(await Promise.all(layers.map(async layer => ({ layer, resources: await resources(layer) }))))

/**
 * Assesses the cluster again after every change, until everything is healthy or the time is up; then what is still progressing
 * counts as an error. A lost connection is no reason to give up, unless the VM is off: nothing starts that by itself.
 * @throws OpsError 5 when the cluster can't be reached at the end, 130 when interrupted
 */
export async function untilHealthy(
  context: WaitContext,
  within: number,
  expected: Expectations = context.environment.verify,
): Promise<Assessment> {
  const { signal } = context
  const deadline = performance.now() + within
  const cluster = await context.cluster()
  const narrate = narrator(context)
  let watcher: Watcher | undefined
  try {
    for (;;) {
      const seen = await cluster.inventory(signal).catch(lostConnection)
      const left = deadline - performance.now()
      if (seen instanceof OpsError) {
        if (left <= 0) throw seen
        const known = await hopeless(seen, context).catch(() => undefined)
        if (known) return known
        context.progress(seen.message)
        watcher?.close()
        watcher = undefined
      } else {
        const { verdict, findings } = await judge(seen.inventory, expected, context)
        if (verdict === 'healthy') return { verdict, findings }
        if (left <= 0) return { verdict: 'unhealthy', findings: overdue(findings) }
        narrate(findings)
        watcher ??= cluster.watch(seen, signal)
      }
      if (watcher) await watcher.next(Math.min(left, RECHECK_MS))
      else await sleep(Math.min(left, RECONNECT_MS), undefined, { signal }).catch(() => undefined)
      if (signal.aborted) throw interrupted('interrupted while waiting for health', 'run the same command again')
    }
  } finally {
    watcher?.close()
  }
}

/** The error of a connection that may come back: none, no answer in time, or that of a server that is only just starting (429, 503). @throws any other error */
export function lostConnection(error: unknown): OpsError {
  const refused = error instanceof ApiError && (error.status === 401 || error.status === 403)
  const codes: number[] = [exitCodes.external, exitCodes.timeout]
  if (error instanceof OpsError && codes.includes(error.code) && !refused) return error
  throw error
}

/** Warns of what does not heal by itself as soon as it is seen, once each; reports the rest as progress. */
function narrator({ log, progress }: Pick<Context, 'log' | 'progress'>): (findings: Finding[]) => void {
  const mentioned = new Set<string>()
  return findings => {
    const [first, ...others] = sorted(blocking(findings))
    if (first) progress(`${first.object}: ${first.message}${others.length > 0 ? `, and ${others.length} more` : ''}`)
    for (const { heals, severity, object, rule, message } of findings) {
      const key = `${object} ${rule}`
      if (heals || severity !== 'error' || mentioned.has(key)) continue
      mentioned.add(key)
      log.warn(`${object}: ${message}`)
    }
  }
}
