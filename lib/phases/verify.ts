import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '../cluster/rest.ts'
import type { Watcher } from '../cluster/watcher.ts'
import { assess } from '../model/health/assess.ts'
import { blocking, type Finding, overdue, sorted, type Verdict, verdictOf } from '../model/health/finding.ts'
import type { Expectations, Inventory } from '../model/health/inventory.ts'
import { countsText, findingsText, plain } from '../report/findings.ts'
import { exitCodes, interrupted, OpsError, unhealthy } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import { seconds } from '../runtime/log.ts'
import type { Phase } from '../runtime/phases.ts'
import type { Operation } from './operation.ts'
import { hopeless } from './reach.ts'

export interface Assessment {
  verdict: Verdict
  findings: Finding[]
}

/** Rules read the clock too: without any change something may be overdue. In milliseconds. */
const RECHECK_MS = 5000
/** Until a lost connection is tried again. In milliseconds. */
export const RECONNECT_MS = 2000

/**
 * The system is healthy, or becomes so in time.
 * @param within milliseconds
 * @param images that must run besides, asked for when it is their turn
 */
export function verified({ within, images }: { within: number; images?: () => Expectations['images'] }): Phase<Operation> {
  const expected = ({ environment }: Operation): Expectations => ({
    ...environment.verify,
    ...(images && { images: images() ?? [] }),
  })
  return {
    id: 'verified',
    title: 'Everything is healthy',

    async check(operation) {
      const { verdict, findings } = await assessment(operation, expected(operation))
      return verdict === 'healthy'
        ? { state: 'done', evidence: { verdict, findings: findings as unknown as Json } }
        : { state: 'todo', changes: [`wait until it is healthy: ${countsText(findings)}`] }
    },

    async run(operation) {
      const started = performance.now()
      const { verdict, findings } = await untilHealthy(operation, within, expected(operation))
      if (verdict !== 'healthy') {
        await operation.journal?.fact('findings', findings as unknown as Json)
        throw unhealthy(
          `not healthy after ${seconds(performance.now() - started)}\n${findingsText(findings, verdict, plain)}`,
          'follow the remedies above, then run the same command again; `./taskw verify` shows where it stands',
        )
      }
      return { verdict, findings: findings as unknown as Json }
    },
  }
}

/** What the environment's cluster looks like now. */
export async function assessment(
  operation: Operation,
  expected: Expectations = operation.environment.verify,
): Promise<Assessment> {
  const cluster = await operation.cluster()
  const { inventory } = await cluster.inventory(operation.signal)
  return judge(inventory, expected, operation)
}

function judge(inventory: Inventory, expected: Expectations, { now }: Operation): Assessment {
  const findings = assess(inventory, expected, now())
  return { verdict: verdictOf(findings), findings }
}

/**
 * Looks again whenever something changes, until all is healthy or the time is up: then what was still progressing counts
 * as an error. A connection that is lost meanwhile is no reason to give up, unless the VM is off: nothing starts that by itself.
 * @throws OpsError 5 when the cluster is out of reach at the end, 130 when interrupted
 */
export async function untilHealthy(
  operation: Operation,
  within: number,
  expected: Expectations = operation.environment.verify,
): Promise<Assessment> {
  const { signal } = operation
  const deadline = performance.now() + within
  const cluster = await operation.cluster()
  const tell = teller(operation)
  let watcher: Watcher | undefined
  try {
    for (;;) {
      const seen = await cluster.inventory(signal).catch(lostConnection)
      const left = deadline - performance.now()
      if (seen instanceof OpsError) {
        if (left <= 0) throw seen
        const known = await hopeless(seen, operation).catch(() => undefined)
        if (known) return known
        operation.progress(seen.message)
        watcher?.close()
        watcher = undefined
      } else {
        const { verdict, findings } = judge(seen.inventory, expected, operation)
        if (verdict === 'healthy') return { verdict, findings }
        if (left <= 0) return { verdict: 'unhealthy', findings: overdue(findings) }
        tell(findings)
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

/** No answer, or one of a server that is only just coming up (429, 503): it may come back. A refusal stays one. */
export function lostConnection(error: unknown): OpsError {
  const refused = error instanceof ApiError && (error.status === 401 || error.status === 403)
  if (error instanceof OpsError && error.code === exitCodes.external && !refused) return error
  throw error
}

/** Says what does not heal by itself as soon as it is seen, each thing once; the rest as progress. */
function teller({ log, progress }: Operation): (findings: Finding[]) => void {
  const told = new Set<string>()
  return findings => {
    const [first, ...others] = sorted(blocking(findings))
    if (first) progress(`${first.object}: ${first.message}${others.length > 0 ? `, and ${others.length} more` : ''}`)
    for (const { heals, severity, object, rule, message } of findings) {
      const key = `${object} ${rule}`
      if (heals || severity !== 'error' || told.has(key)) continue
      told.add(key)
      log.warn(`${object}: ${message}`)
    }
  }
}
