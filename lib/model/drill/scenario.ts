/** What a step's time counts as. Everything from `disrupt` to `verify` is time to recover. */
export type Stage = 'prepare' | 'disrupt' | 'detect' | 'decide' | 'restore' | 'verify' | 'judge'

/** What a step does; lib/phases/drill.ts makes a phase of it. */
export type Action =
  | {
      does:
        | 'check-steady-state'
        | 'write-markers'
        | 'dump-volumes'
        | 'detect-loss'
        | 'check-health'
        | 'judge-markers'
        | 'clean-up'
    }
  | { does: 'take-proof' | 'destroy' | 'apply' | 'snapshot' | 'judge-snapshot'; layer: string }
  | { does: 'compare-proof'; layer: string; moment: 'after the destruction' | 'at the end' }

export type Step = Action & {
  /** Stable: journals refer to it. */
  id: string
  stage: Stage
  title: string
}

export interface Scenario {
  name: string
  title: string
  steps: readonly Step[]
}

/** What can be rehearsed. A step names its layers outright: the list is the documentation. */
export const scenarios: Record<string, Scenario> = {
  'layer-rebuild': {
    name: 'layer-rebuild',
    title: 'The Kubernetes layer is destroyed and rebuilt, on a VM that stays',
    steps: [
      step('prepare', 'steady-state', 'Steady state: everything is healthy', { does: 'check-steady-state' }),
      step('prepare', 'markers/written', 'Markers written', { does: 'write-markers' }),
      step('prepare', 'volumes/dumped', 'Volumes dumped', { does: 'dump-volumes' }),
      step('prepare', '00-vpc/proof', 'Proof of 00-vpc taken', { does: 'take-proof', layer: '00-vpc' }),
      step('disrupt', '02-argocd-app/destroyed', '02-argocd-app destroyed', { does: 'destroy', layer: '02-argocd-app' }),
      step('disrupt', '01-k8s/destroyed', '01-k8s destroyed', { does: 'destroy', layer: '01-k8s' }),
      step('detect', 'loss-seen', 'Loss seen by verify', { does: 'detect-loss' }),
      step('decide', '00-vpc/untouched', '00-vpc compared and planned', {
        does: 'compare-proof',
        layer: '00-vpc',
        moment: 'after the destruction',
      }),
      step('restore', '01-k8s/applied', '01-k8s applied', { does: 'apply', layer: '01-k8s' }),
      step('restore', '01-k8s/snapshot', 'VM snapshotted', { does: 'snapshot', layer: '01-k8s' }),
      step('restore', '02-argocd-app/applied', '02-argocd-app applied', { does: 'apply', layer: '02-argocd-app' }),
      step('verify', 'health', 'Health judged', { does: 'check-health' }),
      step('judge', '01-k8s/snapshot-judged', 'Snapshot judged', { does: 'judge-snapshot', layer: '01-k8s' }),
      step('judge', '00-vpc/untouched-at-end', '00-vpc compared once more', {
        does: 'compare-proof',
        layer: '00-vpc',
        moment: 'at the end',
      }),
      step('judge', 'markers/judged', 'Markers judged', { does: 'judge-markers' }),
      step('judge', 'clean-up', 'Markers and dumps cleaned up', { does: 'clean-up' }),
    ],
  },
}

function step(stage: Stage, id: string, title: string, action: Action): Step {
  return { stage, id, title, ...action }
}
