import { type LayerProof, proofOf } from '../../model/drill/proof.ts'
import type { Context } from '../../operation/context.ts'

/** A layer's proof as its state object says it now: read from the bucket itself, past everything that is remembered of it. */
export async function takeProof(
  layer: string,
  { store, terraform }: Pick<Context, 'store' | 'terraform'>,
): Promise<LayerProof | undefined> {
  return proofOf(await (await store()).read(await terraform.stateObject(layer)))
}
