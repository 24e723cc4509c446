import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Cluster } from '../../cluster/cluster.ts'
import { kinds } from '../../cluster/kinds.ts'
import { serverPod } from '../../model/backup/pod.ts'
import {
  isSumsEnd,
  OPEN_SNAPSHOT,
  psqlCommand,
  type SessionStart,
  SUM_TABLES,
  type TableSum,
} from '../../model/backup/tables.ts'
import type { Deployment, Pod, StatefulSet } from '../../model/health/objects.ts'
import { parseNamespacedName } from '../../model/namespaced-name.ts'
import { external, precondition } from '../../runtime/errors.ts'
import type { Database } from './place.ts'

/** Runs the server's programs, where it runs. */
export type Run = (command: string[]) => Promise<Duplex>

/** The pod in which a database's server runs, and its programs; `finish` also runs those that clean up after an interruption. @throws OpsError 4 where there is no such workload, or none of its pods is ready */
export async function serverOf(
  { workload }: Database,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<{ pod: string; run: Run; finish: Run; pods: Pod[] }> {
  const where = parseNamespacedName(workload)
  const found =
    (await cluster.get<Deployment>(kinds.deployments, where, signal)) ??
    (await cluster.get<StatefulSet>(kinds.statefulSets, where, signal))
  if (!found)
    throw precondition(`there is no Deployment or StatefulSet ${workload}`, '`./taskw kubectl -- get deploy,sts -A` shows them')
  const { namespace } = where
  const pods = await cluster.list<Pod>(kinds.pods, namespace, signal)
  const at = serverPod(pods, found.spec?.selector)
  if (!at) throw precondition(`no pod of ${workload} is ready`, '`./taskw verify` says why')
  return {
    pod: at.pod,
    pods,
    run: command => cluster.exec({ namespace, ...at, command }, signal),
    finish: command => cluster.exec({ namespace, ...at, command }),
  }
}

/** A psql that reads one snapshot of a database until it is closed. */
export interface SnapshotSession {
  start: SessionStart
  /** Of every table, in the snapshot. @param progress called with each table's name once it is done */
  sums(progress: (table: string) => void): Promise<TableSum[]>
  close(): void
}

/** @throws OpsError 5 where psql fails */
export async function openSession(run: Run, database: Database): Promise<SnapshotSession> {
  const stream = await run(psqlCommand(database))
  // Whoever reads the next line hears of it.
  const failure = finished(stream).then(
    () => external(`psql on database ${database.database} ended too soon`, 'run it again'),
    error => error,
  )
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const line = await Promise.race([lines.next(), failure])
    if (line instanceof Error) throw line
    if (line.done) throw await failure
    return line.value
  }
  stream.write(OPEN_SNAPSHOT)
  try {
    const start = JSON.parse(await next()) as SessionStart
    return {
      start,
      async sums(progress) {
        const sums: TableSum[] = []
        stream.write(SUM_TABLES)
        for (let line = await next(); !isSumsEnd(line); line = await next()) {
          const sum = JSON.parse(line) as TableSum
          progress(sum.table)
          sums.push(sum)
        }
        return sums
      },
      close: () => stream.destroy(),
    }
  } catch (error) {
    stream.destroy()
    throw error
  }
}
