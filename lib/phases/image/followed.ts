import { hops } from '../../model/image/hops.ts'
import type { ReachedHop } from '../../model/image/timeline.ts'
import { hopSummary } from '../../report/hops.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import type { Rollout } from './rollout.ts'

/** Follows a bump hop by hop, from the push to the pods. */
export const followed = (rollout: Rollout): Phase<unknown>[] =>
  hops.map(hop => ({
    id: `image/${hop.id}`,
    title: hop.title,

    check: async () =>
      rollout.bump
        ? { state: 'todo', changes: [`wait for: ${hop.title}`] }
        : { state: 'unknown', needs: 'the version to be pushed' },

    run: async () => (await rollout.until(hop)) as unknown as Json,

    summary: evidence => hopSummary(evidence as unknown as ReachedHop),
  }))
