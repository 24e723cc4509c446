import type { Verdict as HealthVerdict, Severity } from '../health/finding.ts'
import type { Conclusion } from './conclusion.ts'
import type { Found, Marker } from './marker.ts'
import type { PodRow } from './pods.ts'
import type { Comparison, LayerProof } from './proof.ts'
import type { SnapshotFacts } from './snapshot.ts'

/** One process that worked on the drill; there is a second where the first was interrupted or killed. */
export interface Attempt {
  /** ISO 8601, UTC. */
  startedAt: string
  /** Missing where it was killed. */
  endedAt?: string
  exitCode?: number
  operator: string
}

/** A copy of a volume's files, on the VM, readable by root only. */
export interface Dump {
  /** Claim as namespace/name. */
  claim: string
  /** On the VM. */
  path: string
  bytes: number
  sha256: string
  takenAt: string
  /** Whether the marker was read back from the copy. */
  holdsMarker: boolean
}

export interface Health {
  verdict: HealthVerdict
  /** When it was observed; ISO 8601. */
  at: string
  findings: { rule: string; severity: Severity; object: string; message: string }[]
  pods: PodRow[]
  /** `namespace/name` to `Synced Healthy`. */
  applications: Record<string, string>
}

/** What a drill knows, kept in its journal's `facts`: enough for another process to resume it, and for the whole report. */
export interface DrillFacts {
  drill: {
    scenario: string
    /** The environment's layers, and those after which it takes snapshots: what the scenario was built from. */
    layers: string[]
    snapshotsAfter: string[]
    /** Project, zone and VM. */
    targets: Record<string, string>
  }
  /** Ids of the runs that had made something in the environment before the drill. */
  runs: string[]
  attempts: Attempt[]
  /** When each step that changes something first began, by step id; ISO 8601. */
  begun: Record<string, string>
  steadyState: Health & { newestSnapshot?: { name: string; createdAt: string } }
  markers: Marker[]
  dumps: Dump[]
  proof: LayerProof
  /** By step id. */
  comparisons: Record<string, Comparison>
  loss: Health
  health: Health
  /** By layer; null where there was none. */
  snapshots: Record<string, SnapshotFacts | null>
  /** By marker name. */
  found: Record<string, Found>
  /** What the drill has left on purpose. */
  leftovers: string[]
  /** By whom, and when first. */
  aborted: { at: string; operator: string }
  conclusion: Conclusion
}

export type Facts = Partial<DrillFacts>
