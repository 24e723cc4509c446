import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ExitCode } from './errors.ts'
import { root, writeAtomically } from './files.ts'
import { documentText, type Json } from './json.ts'

export interface PhaseRecord {
  id: string
  title: string
  status: 'done' | 'skipped' | 'failed' | 'interrupted'
  /** ISO 8601, UTC. */
  startedAt: string
  ms: number
  evidence?: Json
  error?: { code: number; message: string; hint: string }
}

/** The record of one run. It is not needed to resume: repeating a verb goes on because each phase checks what is already done. */
export interface Journal {
  schema: 'threads-ops/journal/1'
  id: string
  verb: string
  env: string
  operator: string
  gitSha: string
  /** ISO 8601, UTC. */
  startedAt: string
  endedAt?: string
  exitCode?: number
  args: Json
  /** What a later run has to know: request ids, names, markers. */
  facts: Record<string, Json>
  phases: PhaseRecord[]
  /** The phase in progress; in the journal of a killed run, the one that it died in. */
  current?: Pick<PhaseRecord, 'id' | 'title' | 'startedAt'>
}

export interface JournalWriter {
  journal: Journal
  /** Folder of the run: journal.json, log.txt and any reports. */
  directory: string
  /** Records which phase is in progress, until its own record is written. */
  begin(phase: NonNullable<Journal['current']>): Promise<void>
  phase(record: PhaseRecord): Promise<void>
  fact(name: string, value: Json): Promise<void>
  end(exitCode: ExitCode): Promise<void>
}

/** The folder of all runs. */
export const runs = join(root, '.runs')

/** Folder of a run. */
export const runDirectory = (id: string): string => join(runs, id)

export async function openJournal(
  start: Pick<Journal, 'verb' | 'env' | 'operator' | 'gitSha' | 'args'> & { now: Date },
): Promise<JournalWriter> {
  const { now, ...rest } = start
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  const id = `${stamp}-${rest.env}-${rest.verb.replaceAll(':', '-')}-${process.pid}`
  const directory = runDirectory(id)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return writing({ schema: 'threads-ops/journal/1', id, startedAt: now.toISOString(), facts: {}, phases: [], ...rest })
}

/** Continues an earlier run's journal, for the few verbs where a second run resumes the same operation. */
export async function reopenJournal({
  endedAt: _ended,
  exitCode: _code,
  current: _current,
  ...journal
}: Journal): Promise<JournalWriter> {
  return writing(journal)
}

async function writing(journal: Journal): Promise<JournalWriter> {
  const directory = runDirectory(journal.id)
  const save = () => writeAtomically(join(directory, 'journal.json'), documentText(journal))
  await save()
  return {
    journal,
    directory,
    async begin(phase) {
      journal.current = phase
      await save()
    },
    async phase(record) {
      delete journal.current
      journal.phases.push(record)
      await save()
    },
    async fact(name, value) {
      journal.facts[name] = value
      await save()
    },
    async end(exitCode) {
      journal.endedAt = new Date().toISOString()
      journal.exitCode = exitCode
      await save()
    },
  }
}

const begun = { id: z.string(), title: z.string(), startedAt: z.iso.datetime() }
const shape = z.looseObject({
  schema: z.literal('threads-ops/journal/1'),
  // It names a folder.
  id: z.string().regex(/^\w[\w.-]*$/),
  verb: z.string(),
  env: z.string(),
  operator: z.string(),
  gitSha: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
  exitCode: z.number().optional(),
  args: z.unknown(),
  facts: z.record(z.string(), z.unknown()),
  phases: z.array(z.looseObject({ ...begun, status: z.enum(['done', 'skipped', 'failed', 'interrupted']), ms: z.number() })),
  current: z.looseObject(begun).optional(),
})

/** The journal in a text; undefined where that is torn, of another version, or something else. */
export function journalIn(text: string): Journal | undefined {
  try {
    return shape.parse(JSON.parse(text)) as unknown as Journal
  } catch {
    return undefined
  }
}

/** The journals of a verb in an environment, newest first. A damaged or foreign file is passed over. */
export async function readJournals(verb: string, env: string): Promise<Journal[]> {
  const names = await readdir(runs).catch((): string[] => [])
  const found: Journal[] = []
  for (const name of names.sort().reverse()) {
    const text = await readFile(join(runs, name, 'journal.json'), 'utf8').catch(() => '')
    const journal = journalIn(text)
    // A copy in another folder is not where its run would go on.
    if (journal?.id === name && journal.verb === verb && journal.env === env) found.push(journal)
  }
  return found
}
