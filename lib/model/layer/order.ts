/** A layer of Terraform: its number says its place. */
export interface LayerEdge {
  layer: string
  /** Layers whose remote state it reads. */
  reads: string[]
}

const byNumber = (a: string, b: string) => a.localeCompare(b)

/** Layers in the order of application, by their numbers. */
export const applyOrder = (layers: readonly string[]): string[] => [...layers].sort(byNumber)

/** The reverse: what depends on others goes first. */
export const destroyOrder = (layers: readonly string[]): string[] => applyOrder(layers).reverse()

/** The layers that this one stands on, lowest first. */
export const layersBelow = (layer: string, layers: readonly string[]): string[] =>
  applyOrder(layers).filter(other => byNumber(other, layer) < 0)

/** The layers that stand on this one, highest first: the order in which they must go before it can. */
export const layersAbove = (layer: string, layers: readonly string[]): string[] =>
  destroyOrder(layers).filter(other => byNumber(other, layer) > 0)

/** The first layer makes the VM; all later ones talk to the cluster on it. */
export const needsCluster = (layer: string, layers: readonly string[]): boolean => layer !== applyOrder(layers)[0]

/** Edges that contradict the numbers: a layer may read only lower ones. That also excludes cycles. */
export const contradictions = (edges: readonly LayerEdge[]): { layer: string; reads: string }[] =>
  edges.flatMap(({ layer, reads }) =>
    reads.filter(other => byNumber(other, layer) >= 0).map(other => ({ layer, reads: other })),
  )

/**
 * The layers whose states are read.
 * @param reads as `bucket/object`
 * @param kept where each layer keeps its state, likewise
 */
export const layersRead = (reads: readonly string[], kept: ReadonlyMap<string, string>): string[] =>
  [...kept].filter(([, state]) => reads.includes(state)).map(([layer]) => layer)
