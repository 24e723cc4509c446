import { asOpsError, interrupted, messageOf, type OpsError, precondition, stoppedFor } from './errors.ts'
import type { JournalWriter, PhaseRecord } from './journal.ts'
import type { Json } from './json.ts'
import type { Log } from './log.ts'
import { shareProgress } from './progress.ts'

/** What a phase's check found, without changing anything. */
export type PhaseState =
  | {
      state: 'done'
      evidence: Json
      /** How it differs from what is configured, and is left as it is. */
      differences?: string[]
    }
  | { state: 'todo'; changes: string[] }
  /** It must not be done: a run stops here, a dry run reports it. */
  | { state: 'refused'; refusal: OpsError }
  /** It can't be checked yet; `needs` names what must come first. */
  | { state: 'unknown'; needs: string }

/** One step of a long operation. `check` only reads; it is what makes repeating and resuming safe. */
export interface Phase<C> {
  /** Stable, e.g. `layer/00-vpc`; journals refer to it. */
  id: string
  title: string
  check(context: C): Promise<PhaseState>
  /** @returns evidence of what was done */
  run(context: C): Promise<Json>
  /** The result in a few words, once it is done. */
  summary?(evidence: Json): string
}

/** A phase that changes nothing: what it checks is as it should be, can't be checked yet, or the check throws. */
export const checkPhase = <C>({
  id,
  title,
  check,
}: {
  id: string
  title: string
  check(context: C): Promise<Exclude<PhaseState, { state: 'todo' }>>
}): Phase<C> => ({
  id,
  title,
  check,
  run: async () => {
    throw new Error(`${id} only checks`)
  },
})

/**
 * Phases whose checks need nothing of each other: the first check begins all of them, and each is told in its turn. Only for a plan, since
 * what a run changes may change what a check finds.
 */
export function together<C extends PhaseContext>(phases: Phase<C>[]): Phase<C>[] {
  let checks: Promise<PhaseState>[] | undefined
  let report = (_: string): void => undefined
  const { run, turn } = shareProgress(line => report(line))
  const begin = (context: C) =>
    phases.map(({ title, check }) => {
      const checking = run(title, progress => check(withProgress(context, progress)))
      // Whoever has its turn hears of it.
      checking.catch(() => undefined)
      return checking
    })
  return phases.map((phase, index) => ({
    ...phase,
    check(context) {
      report = context.progress
      turn(phase.title)
      checks ??= begin(context)
      return checks[index] as Promise<PhaseState>
    },
  }))
}

/** The same context, but for where its progress goes. */
export const withProgress = <C extends Pick<PhaseContext, 'progress'>>(context: C, progress: C['progress']): C =>
  Object.create(context, { progress: { value: progress, enumerable: true } }) as C

/** What the phase runner itself needs of a context. */
export interface PhaseContext {
  log: Log
  signal: AbortSignal
  /** Reports what the running phase is doing; the runner sets it. */
  progress: (detail: string) => void
  /** How often a phase, or possibly somebody else, has changed something so far: whatever was found before may be stale. */
  changes: number
  /** Called before a phase changes anything. True means that something may have changed since the check, so check again. */
  beforeChange?: () => Promise<boolean>
}

/** A phase in a dry run. */
export interface PlannedPhase {
  id: string
  title: string
  state: PhaseState['state']
  changes: string[]
  /** How what is done differs from what is configured, and is left as it is. */
  differences?: string[]
  needs?: string
  /** Why the phase must not be done. */
  refusal?: string
}

/**
 * Runs the phases in order, skipping those that are done. The journal is written after each, so that it shows how far a killed run
 * got.
 * @throws OpsError of the phase that failed; 130 when interrupted in or between phases, or what else the run was stopped for
 */
export async function runPhases<C extends PhaseContext>(
  phases: Phase<C>[],
  context: C,
  journal: JournalWriter,
): Promise<PhaseRecord[]> {
  for (const phase of phases) {
    const startedAt = new Date().toISOString()
    const started = performance.now()
    const record = (status: PhaseRecord['status'], extra: Partial<PhaseRecord> = {}) =>
      journal.phase({
        id: phase.id,
        title: phase.title,
        status,
        startedAt,
        ms: Math.round(performance.now() - started),
        ...extra,
      })
    await journal.begin({ id: phase.id, title: phase.title, startedAt })
    const activity = context.log.activity(phase.title)
    context.progress = activity.update
    try {
      if (context.signal.aborted) throw interruption(context, `before "${phase.title}"`)
      let before = await phase.check(context)
      if (before.state === 'todo' && (await context.beforeChange?.())) {
        context.changes++
        before = await phase.check(context)
      }
      if (before.state === 'done') {
        await record('skipped', { evidence: before.evidence })
        for (const difference of before.differences ?? []) context.log.debug(`${phase.id}: ${difference}`)
        activity.skipped(before.differences ? `kept as it is, ${count(before.differences)}` : 'nothing to do')
        continue
      }
      if (before.state === 'refused') throw before.refusal
      if (before.state === 'unknown') throw precondition(`${phase.title}: needs ${before.needs}`, 'run `./taskw up`')
      for (const change of before.changes) context.log.debug(`${phase.id}: ${change}`)
      context.changes++
      const evidence = await phase.run(context)
      context.changes++
      await record('done', { evidence })
      activity.done(phase.summary?.(evidence))
    } catch (thrown) {
      const error = context.signal.aborted ? interruption(context, `in "${phase.title}"`, thrown) : asOpsError(thrown)
      const { code, message, hint } = error
      // What can't be written down, as on a full disk, must not hide why it failed.
      await record(context.signal.aborted ? 'interrupted' : 'failed', { error: { code, message, hint } }).catch(unwritten =>
        context.log.warn(`the journal could not be written: ${messageOf(unwritten)}`),
      )
      activity.failed()
      throw error
    }
  }
  const stopped = stoppedFor(context.signal)
  if (stopped) throw stopped
  return journal.journal.phases
}

const count = ({ length }: string[]): string => (length === 1 ? '1 difference' : `${length} differences`)

/** @param where as it reads after "interrupted" */
const interruption = ({ signal }: PhaseContext, where: string, cause?: unknown): OpsError =>
  stoppedFor(signal) ?? interrupted(`interrupted ${where}`, 'run the same command again to go on from here', cause)

/**
 * What the phases would do, by their checks alone, for the caller to print. A phase whose check fails while an earlier one is still
 * to be done is unknown.
 * @throws OpsError 130 when interrupted: what it found until then says nothing about the rest
 */
export async function planPhases<C extends PhaseContext>(phases: Phase<C>[], context: C): Promise<PlannedPhase[]> {
  const planned: PlannedPhase[] = []
  for (const { id, title, check } of phases) {
    const activity = context.log.activity(title)
    context.progress = activity.update
    const pending = planned.find(phase => phase.state !== 'done')
    let found: PhaseState
    try {
      found = await check(context)
    } catch (error) {
      if (context.signal.aborted || !pending) {
        activity.failed()
        throw context.signal.aborted ? interruption(context, `in "${title}"`, error) : error
      }
      found = { state: 'unknown', needs: pending.title }
    }
    if (context.signal.aborted) {
      activity.failed()
      throw interruption(context, `in "${title}"`)
    }
    planned.push({
      id,
      title,
      state: found.state,
      changes: found.state === 'todo' ? found.changes : [],
      ...(found.state === 'done' && found.differences && { differences: found.differences }),
      ...(found.state === 'unknown' && { needs: found.needs }),
      ...(found.state === 'refused' && { refusal: `${found.refusal.message}\n→ ${found.refusal.hint}` }),
    })
    activity.cleared()
  }
  return planned
}
