/** A layer of Terraform: its place in the list of layers says what it stands on. */
export interface LayerEdge {
  layer: string
  /** Layers whose remote state it reads. */
  reads: string[]
}

/** Some of the layers in the order of application, which is that of the list. */
export const applyOrder = (chosen: readonly string[], layers: readonly string[]): string[] =>
  layers.filter(layer => chosen.includes(layer))

/** The reverse: what depends on others goes first. */
export const destroyOrder = (chosen: readonly string[], layers: readonly string[]): string[] =>
  applyOrder(chosen, layers).reverse()

/** The layers that this one stands on, lowest first. */
export const layersBelow = (layer: string, layers: readonly string[]): string[] =>
  layers.slice(0, Math.max(0, layers.indexOf(layer)))

/** The layers that stand on this one, highest first: the order in which they must go before it can. */
export const layersAbove = (layer: string, layers: readonly string[]): string[] =>
  layers.includes(layer) ? layers.slice(layers.indexOf(layer) + 1).reverse() : []

/** The first layer makes the VM; all later ones talk to the cluster on it. */
export const needsCluster = (layer: string, layers: readonly string[]): boolean => layer !== layers[0]

/** Edges that contradict the order: a layer may read only lower ones. That also excludes cycles. */
export const contradictions = (edges: readonly LayerEdge[], layers: readonly string[]): { layer: string; reads: string }[] =>
  edges.flatMap(({ layer, reads }) =>
    reads.filter(other => !layersBelow(layer, layers).includes(other)).map(other => ({ layer, reads: other })),
  )

/**
 * The layers whose states are read.
 * @param reads as `bucket/object`
 * @param kept where each layer keeps its state, likewise
 */
export const layersRead = (reads: readonly string[], kept: ReadonlyMap<string, string>): string[] =>
  [...kept].filter(([, state]) => reads.includes(state)).map(([layer]) => layer)
