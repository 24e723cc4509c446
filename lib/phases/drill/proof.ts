import { type LayerProof, proofOf } from '../../model/drill/proof.ts'
import type { Context } from '../../operation/context.ts'

/** The proof of a layer as it is now: read from its state object in the bucket, past any cache. */
export async function takeProof(
  layer: string,
  { store, terraform }: Pick<Context, 'store' | 'terraform'>,
): Promise<LayerProof | undefined> {
  return proofOf(await (await store()).read(await terraform.stateObject(layer)))
}
