import { join } from 'node:path'
import { z } from 'zod'
import type { DrillFacts } from '../../model/drill/facts.ts'
import { type OpsError, precondition } from '../../runtime/errors.ts'
import { type Journal, readJournals, runDirectory } from '../../runtime/journal.ts'

const text = z.string()
const time = z.iso.datetime()
const verdict = z.enum(['pass', 'fail', 'inconclusive'])
const health = z.looseObject({
  verdict: z.enum(['healthy', 'unhealthy', 'progressing']),
  at: time,
  findings: z.array(z.looseObject({ rule: text, severity: text, object: text, message: text })),
  pods: z.array(z.looseObject({ namespace: text, name: text, owner: text, ready: z.boolean(), restarts: z.number() })),
  applications: z.record(text, text),
})
const proof = z.looseObject({
  ...{ generation: text, md5: text, lineage: text, resourceSet: text },
  ...{ serial: z.number(), resources: z.number() },
})
const place = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('configmap'), namespace: text, name: text }),
  z.looseObject({ kind: z.literal('file'), path: text }),
  z.looseObject({ kind: z.literal('volume'), claim: text, file: text }),
])
const found = z.discriminatedUnion('state', [
  z.looseObject({ state: z.literal('present'), value: text }),
  z.looseObject({ state: z.literal('absent') }),
  z.looseObject({ state: z.literal('unreadable'), why: text }),
])

/** What a drill keeps in its journal, as far as a later run relies on it. */
const shape = z
  .looseObject({
    drill: z.looseObject({
      scenario: text,
      layers: z.array(text).min(1),
      snapshotsAfter: z.array(text),
      targets: z.record(text, text),
    }),
    runs: z.array(text),
    attempts: z.array(
      z.looseObject({ startedAt: time, endedAt: time.optional(), exitCode: z.number().optional(), operator: text }),
    ),
    begun: z.record(text, time),
    steadyState: health.extend({ newestSnapshot: z.looseObject({ name: text, createdAt: text }).optional() }),
    markers: z.array(
      z.looseObject({ name: text, place, value: text, writtenAt: time, expected: z.enum(['kept', 'lost']), because: text }),
    ),
    dumps: z.array(
      z.looseObject({ claim: text, path: text, bytes: z.number(), sha256: text, takenAt: time, holdsMarker: z.boolean() }),
    ),
    proof,
    comparisons: z.record(
      text,
      z.looseObject({
        layer: text,
        moment: text,
        at: time,
        proof: proof.nullable(),
        plan: z
          .looseObject({ empty: z.boolean(), changes: z.array(z.looseObject({ address: text, action: text })) })
          .nullable(),
        planError: text.optional(),
      }),
    ),
    loss: health,
    health,
    snapshots: z.record(
      text,
      z
        .looseObject({
          ...{ name: text, status: text, description: text, createdAt: text, sourceDisk: text },
          labels: z.record(text, text),
          serial: z.number(),
        })
        .nullable(),
    ),
    found: z.record(text, found),
    leftovers: z.array(text),
    aborted: z.looseObject({ at: time, operator: text }),
    conclusion: z.looseObject({
      verdict,
      reasons: z.array(text),
      checks: z.array(z.looseObject({ id: text, title: text, outcome: verdict, says: text })),
      rto: z.record(text, z.number()).nullable(),
      rpo: z.looseObject({ ms: z.number().nullable(), says: text }).nullable(),
    }),
  } satisfies Record<keyof DrillFacts, z.ZodType>)
  .partial()

/** The environment's drills, newest first, whatever is in their journals. */
export const readDrills = (env: string): Promise<Journal[]> => readJournals('dr-drill', env)

/**
 * Why a drill's journal can't be relied on, as somebody has edited it or another version has written it; undefined where it is whole.
 * To pass over the newest one in silence would begin a drill over one that has destroyed something.
 */
export function damage({ id, facts }: Pick<Journal, 'id' | 'facts'>): OpsError | undefined {
  const { error } = shape.safeParse(facts)
  const [issue] = error?.issues ?? []
  if (!issue) return undefined
  const where = ['facts', ...issue.path.map(String)].join('.')
  return precondition(
    `the journal of drill ${id} is damaged: ${join(runDirectory(id), 'journal.json')}: ${where}: ${issue.message}`,
    `restore that file; or give this drill up: move ${runDirectory(id)} away, then \`./taskw up\``,
  )
}
