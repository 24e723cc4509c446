import { contradictions, type LayerEdge, layersRead } from '../model/layer/order.ts'
import { configuration } from '../runtime/errors.ts'
import type { Backend } from './backend.ts'
import type { Command } from './command.ts'
import type { Given } from './given.ts'
import { filesWith } from './inputs.ts'
import { filesIn, isConfiguration, isValues, withScratch } from './scratch.ts'
import { emptyBucket, NO_CREDENTIALS, openBucketView } from './view.ts'

export interface EdgesOptions {
  command: Command
  layers: readonly string[]
  root: (layer: string) => string
  backend: (layer: string) => Promise<Backend>
  given: Given
  /** Parent of the scratch folders. */
  scratch: string
}

/** The order of the layers, which is that of the list, and which their reading of each other's states must not contradict. */
export interface Edges {
  /** @param reads states that a layer reads, as `bucket/object` @throws OpsError 3 */
  check(layer: string, reads: readonly string[]): Promise<void>
  /**
   * The same of all layers, before any of them can be planned. A layer whose data sources cannot be evaluated apart from the
   * rest of its root passes: its plan will say.
   */
  checkAhead(): Promise<void>
}

const REMOTE_STATE = 'terraform_remote_state'

export function createEdges({ command, layers, root, backend, given, scratch }: EdgesOptions): Edges {
  const edgeOf = async (layer: string, reads: readonly string[]): Promise<LayerEdge> => {
    if (reads.length === 0) return { layer, reads: [] }
    const kept = await Promise.all(
      layers.map(async (other): Promise<[string, string][]> => {
        const found = await backend(other).catch(() => undefined)
        return found ? [[other, `${found.bucket}/${found.object}`]] : []
      }),
    )
    return { layer, reads: layersRead(reads, new Map(kept.flat())) }
  }

  /** What Terraform asks for when it plans only the data sources. */
  const readsAhead = async (layer: string): Promise<string[]> => {
    const files = await filesIn(root(layer))
    const reading = await filesWith(root(layer), files.filter(isConfiguration), [REMOTE_STATE])
    if (reading.length === 0) return []
    const beside = files.filter(file => isValues(file) || (isConfiguration(file) && /^(variables|locals)/.test(file)))
    const values = await given.some(layer)
    const view = await openBucketView(emptyBucket)
    try {
      await withScratch(scratch, { from: root(layer), files: [...new Set([...beside, ...reading])] }, folder =>
        command.run(folder, ['plan', '-no-color'], { env: { ...values, ...view.environment, ...NO_CREDENTIALS } }),
      )
      return [...view.asked]
    } finally {
      await view.close()
    }
  }

  const refuse = (edges: LayerEdge[]) => {
    const wrong = contradictions(edges, layers).map(({ layer, reads }) => `${layer} reads the state of ${reads}`)
    if (wrong.length > 0)
      throw configuration(
        `layers out of order: ${wrong.join('; ')}`,
        'list them in another order: a layer may read only those before it',
      )
  }

  return {
    check: async (layer, reads) => refuse([await edgeOf(layer, reads)]),
    checkAhead: async () => refuse(await Promise.all(layers.map(async layer => edgeOf(layer, await readsAhead(layer))))),
  }
}
