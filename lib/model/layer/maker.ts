import { command } from '../shell.ts'
import { locationOf } from './location.ts'
import type { StateResource } from './state.ts'

/** Which layer has made the objects of a kind, by the kind. */
export type Makers = Readonly<Record<string, string>>

/** A cluster's objects have no place of Google's. */
const NOWHERE = { project: '', region: '', zone: '' }

/** @param layers with the resources of their states; of two that have objects of a kind it is the later */
export function makersOf(
  layers: readonly { layer: string; resources: readonly Pick<StateResource, 'type' | 'attributes'>[] }[],
): Makers {
  const kinds = layers.flatMap(({ layer, resources }) =>
    resources.flatMap(({ type, attributes }): [string, string][] => {
      const location = locationOf({ type, after: attributes }, NOWHERE)
      return location?.in === 'cluster' ? [[location.object.kind, layer]] : []
    }),
  )
  return Object.fromEntries(kinds)
}

/** Applies every layer, as must be done where it is not known which one makes what is missing. */
export const APPLY = './taskw layer:apply'

/** Applies the layer, or all of them where it is not known. */
export const applying = (layer: string | undefined): string =>
  layer === undefined ? APPLY : command`./taskw layer:apply -- ${layer}`
