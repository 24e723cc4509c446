import { type Check, check } from './check.ts'

/** Where a marker is kept. */
export type Place =
  | { kind: 'configmap'; namespace: string; name: string }
  /** On the VM's disk. */
  | { kind: 'file'; path: string }
  /** In the folder of a claim's volume; `claim` is namespace/name. */
  | { kind: 'volume'; claim: string; file: string }

/** What should become of a marker, decided before anything is destroyed. */
export interface Expectation {
  expected: 'kept' | 'lost'
  because: string
}

/** A random value written before the disruption. It can't be there by chance: if it is there afterwards, so is the data around it. */
export interface Marker extends Expectation {
  name: string
  place: Place
  value: string
  /** ISO 8601. */
  writtenAt: string
}

export type Found = { state: 'present'; value: string } | { state: 'absent' } | { state: 'unreadable'; why: string }

export interface ClaimFacts {
  claim: string
  /** Whether a layer made its namespace, and so destroys it together with itself. */
  namespaceOfLayer: boolean
  annotations: Readonly<Record<string, string>>
}

/** https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#no-resource-deletion */
const SYNC_OPTIONS = 'argocd.argoproj.io/sync-options'

/** What becomes of a claim's volume when its Application is deleted and then the layer below destroyed. */
export function volumeExpectation({ claim, namespaceOfLayer, annotations }: ClaimFacts): Expectation {
  if (namespaceOfLayer) return { expected: 'lost', because: `${claim} is in a namespace that is destroyed` }
  const options = (annotations[SYNC_OPTIONS] ?? '').split(',').map(option => option.trim())
  if (options.includes('Delete=false')) {
    return {
      expected: 'kept',
      because: `${claim} has Delete=false and its namespace belongs to no layer: it outlives its Application`,
    }
  }
  return { expected: 'lost', because: `${claim} is deleted with its Application, and its volume with it` }
}

/**
 * Whether a marker was found as expected.
 * @param dumped path of a copy of the marker's volume that holds it, if there is one
 */
export function judgeMarker(marker: Marker, found: Found | undefined, dumped?: string): Check {
  const step = { id: `marker/${marker.name}`, title: `Marker ${marker.name}` }
  if (!found) return check(step, 'inconclusive', 'not read')
  if (found.state === 'unreadable') return check(step, 'inconclusive', `could not be read: ${found.why}`)
  if (found.state === 'present') {
    return found.value === marker.value ? check(step, 'pass', 'intact') : check(step, 'fail', 'there, but with another value')
  }
  const copy = dumped === undefined ? '' : `; ${dumped} on the VM is a copy that holds it, to be restored by hand`
  return marker.expected === 'lost'
    ? check(step, 'pass', `lost, as expected: ${marker.because}${copy}`)
    : check(step, 'fail', `lost, but should have been kept: ${marker.because}${copy}`)
}

/** Whether the data that a marker stands for was recovered. */
export const isRecovered = (marker: Marker, found: Found | undefined): boolean =>
  found?.state === 'present' && found.value === marker.value
