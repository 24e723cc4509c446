import { isRecovered } from '../../model/drill/marker.ts'
import type { Step } from '../../model/drill/scenario.ts'
import { finished } from '../../model/drill/times.ts'
import { messageOf, partial, precondition } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { layer, layerDestroyed } from '../layer.ts'
import type { Operation } from '../operation.ts'
import { doctor } from '../readiness.ts'
import { snapshotOf } from '../snapshot.ts'
import { assessment, untilHealthy, verified } from '../verify.ts'
import { vmRunning } from '../vm.ts'
import type { Drill } from './drill.ts'
import { compareLayer, healthOf, newestSnapshot, snapshotAfter, takeProof } from './look.ts'
import { dumpPath, dumpVolume, plannedMarkers, readMarker, removeFile, removeMarker, writeMarker } from './markers.ts'

/** A system that only just changed may settle; one that does not in this time is not steady. */
const STEADY_MS = 60_000

/** A drill's phases. Those that its journal knows as finished are not done again. @param within milliseconds for the final health */
export const drillPhases = (drill: Drill, within: number): Phase<Operation>[] => [
  doctor(),
  ...(drill.resumed ? [vmRunning()] : []),
  ...drill.scenario.steps.map(step => phaseOf(step, drill, within)),
]

/** What brings the system back from wherever a drill has left it. */
export const abortPhases = (drill: Drill, { terraform, environment }: Operation): Phase<Operation>[] => {
  const [base = '', ...others] = terraform.layers
  return [
    doctor(),
    layer(base),
    vmRunning(),
    ...others.map(layer),
    verified({ within: environment.verify.deadline }),
    { id: 'clean-up', title: 'Markers and dumps cleaned up', ...cleanUp(drill) },
  ]
}

type Work = Pick<Phase<Operation>, 'check' | 'run'>

/** The first run that begins a step says so in the journal before it does anything: a killed one could not say so afterwards. */
function phaseOf(step: Step, drill: Drill, within: number): Phase<Operation> {
  const inner = workOf(step, drill, within)
  const { id, title } = step
  return {
    id,
    title,
    async check(operation) {
      const record = finished(drill.journal.phases, id)
      if (record) return { state: 'done', evidence: record.evidence ?? null }
      // Before all is destroyed, whatever comes after would seem to be done already.
      const before = drill.scenario.steps.find(other => other.stage === 'disrupt' && !finished(drill.journal.phases, other.id))
      const early = before && step.stage !== 'prepare' && step.stage !== 'disrupt'
      return early ? { state: 'unknown', needs: before.title } : inner.check(operation)
    },
    async run(operation) {
      const { begun = {} } = drill.facts
      if (begun[id] === undefined) await drill.remember('begun', { ...begun, [id]: operation.now().toISOString() })
      return inner.run(operation)
    },
  }
}

function workOf(step: Step, drill: Drill, within: number): Work {
  const { facts, remember, journal } = drill
  switch (step.does) {
    case 'destroy':
      return layerDestroyed(step.layer)
    case 'apply':
      return layer(step.layer)
    case 'snapshot':
      return snapshotOf(step.layer)

    case 'check-steady-state':
      return work('look whether everything is healthy', async operation => {
        const now = await assessment(operation)
        const settled = now.verdict === 'progressing' ? await untilHealthy(operation, STEADY_MS) : now
        const health = await healthOf(settled, operation)
        const newest = await newestSnapshot(operation)
        await remember('steadyState', { ...health, ...(newest && { newestSnapshot: newest }) })
        if (health.verdict !== 'healthy') {
          throw partial(
            'not healthy before the drill: nothing was destroyed, nothing is shown',
            '`./taskw verify` says what is wrong',
          )
        }
        return { pods: health.pods.length, applications: health.applications, newestSnapshot: newest ?? null }
      })

    case 'write-markers':
      return work('write a marker to the cluster, to the disk of the VM and to every volume', async operation => {
        const markers = await plannedMarkers(operation)
        for (const { expected, because } of markers) {
          if (expected === 'kept') continue
          operation.log.warn(because)
          await operation.confirm('Data will be lost that nothing restores by itself. Go on')
        }
        await remember('markers', markers)
        for (const marker of markers) {
          operation.progress(marker.name)
          await writeMarker(marker, operation)
        }
        return markers.map(({ name, expected, because }) => ({ name, expected, because }))
      })

    case 'dump-volumes':
      return work('copy the volumes to a file on the VM', async operation => {
        for (const { place, value } of facts.markers ?? []) {
          if (place.kind !== 'volume') continue
          const { dump, marker } = await dumpVolume(place.claim, journal.id, operation)
          await remember('dumps', [...(facts.dumps ?? []), { ...dump, holdsMarker: marker === value }])
        }
        return (facts.dumps ?? []) as unknown as Json
      })

    case 'take-proof':
      return work(`take the proof of ${step.layer}`, async operation => {
        const proof = await takeProof(step.layer, operation)
        if (!proof) throw precondition(`layer ${step.layer} has no state to prove anything by`, '`./taskw up` first')
        await remember('proof', proof)
        operation.log.info(
          `  ${step.layer}: ${proof.resources} resources, serial ${proof.serial}, generation ${proof.generation}`,
        )
        return { ...proof }
      })

    case 'detect-loss':
      return work('look whether verify sees the loss', async operation => {
        const loss = await healthOf(await assessment(operation), operation)
        await remember('loss', loss)
        return { verdict: loss.verdict, findings: loss.findings.length }
      })

    case 'compare-proof':
      return work(`compare ${step.layer} with its proof, and plan it`, async operation => {
        const comparison = await compareLayer(step.layer, step.moment, operation)
        await remember('comparisons', { ...facts.comparisons, [step.id]: comparison })
        return comparison as unknown as Json
      })

    case 'check-health':
      return work('wait until everything is healthy, without duplicates', async operation => {
        const health = await healthOf(await untilHealthy(operation, within), operation)
        await remember('health', health)
        return { verdict: health.verdict, pods: health.pods.length, applications: health.applications }
      })

    case 'judge-snapshot':
      return work('look whether the snapshot is as it must be', async operation => {
        const snapshot = await snapshotAfter(step.layer, operation)
        await remember('snapshot', snapshot)
        return snapshot as unknown as Json
      })

    case 'judge-markers':
      return work('read the markers', async operation => {
        for (const marker of facts.markers ?? []) {
          await remember('found', { ...facts.found, [marker.name]: await readMarker(marker, operation) })
        }
        return (facts.found ?? {}) as unknown as Json
      })

    case 'clean-up':
      return cleanUp(drill)
  }
}

/** Removes markers, and the dumps of volumes whose data is there: what is lost otherwise stays to be looked into. */
const cleanUp = ({ facts, remember, journal }: Drill): Work =>
  work('remove the markers, and the dumps that nobody needs', async operation => {
    const leftovers: string[] = []
    const remove = async (what: string, removal: () => Promise<void>) => {
      await removal().catch(error => leftovers.push(`${what}, which could not be removed: ${messageOf(error)}`))
    }
    for (const marker of facts.markers ?? []) {
      const { name, place } = marker
      // Whatever was judged: of what is there now, no copy is needed.
      const needed = place.kind === 'volume' && !isRecovered(marker, await readMarker(marker, operation))
      if (place.kind === 'volume') {
        const path = dumpPath(place.claim, journal.id)
        if (needed) leftovers.push(`${path} on the VM, the copy of ${place.claim}`)
        else await remove(path, async () => removeFile(await operation.host(), path))
      }
      await remove(`marker ${name}`, () => removeMarker(marker, operation))
    }
    await remember('leftovers', leftovers)
    return { leftovers }
  })

const work = (change: string, run: (operation: Operation) => Promise<Json>): Work => ({
  check: async () => ({ state: 'todo', changes: [change] }),
  run,
})
