import type { Context } from '../../operation/context.ts'

/** What a verb whose purpose is to destroy is about to destroy. */
export interface Announcement {
  /** The highest first. */
  layers: readonly string[]
}

/**
 * Asks the operator to agree to the destruction of these layers.
 * @throws OpsError 4 unless the environment's guard allows it and the operator agrees
 */
export async function announce(
  { layers }: Announcement,
  guard: 'destroy' | 'drills',
  { consent }: Pick<Context, 'consent'>,
): Promise<void> {
  await consent({ question: `Destroy ${layers.join(', ')}`, destroys: true, guard })
}
