import { Unreachable } from '../cluster/rest.ts'
import { dialFailure } from './vm-status.ts'

/** What to make of what a script has failed with: a Kubernetes API that does not answer since its VM is off is OpsError 4, which says so. */
export const unanswered = async (error: unknown, asked: Parameters<typeof dialFailure>[1]): Promise<unknown> =>
  error instanceof Unreachable ? dialFailure(error, asked) : error
