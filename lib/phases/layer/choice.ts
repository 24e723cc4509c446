import { didYouMean } from '../../config/suggest.ts'
import { applyOrder, destroyOrder } from '../../model/layer/order.ts'
import type { Context } from '../../operation/context.ts'
import { usage } from '../../runtime/errors.ts'

/**
 * The layers that a command means: all of them in order, or those named.
 * @throws OpsError 2 for a name that is none
 */
export function chosenLayers(
  names: string[],
  { terraform }: { terraform: Pick<Context['terraform'], 'layers'> },
  order: 'apply' | 'destroy' = 'apply',
): string[] {
  const unknown = names.filter(name => !terraform.layers.includes(name))
  if (unknown.length > 0)
    throw usage(
      `no such layer: ${unknown.map(name => name + didYouMean(name, terraform.layers)).join(', ')}`,
      `one of: ${terraform.layers.join(', ')}`,
    )
  const chosen = names.length > 0 ? names : terraform.layers
  return order === 'apply' ? applyOrder(chosen, terraform.layers) : destroyOrder(chosen, terraform.layers)
}
