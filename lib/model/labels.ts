import { createHash } from 'node:crypto'

/** The value by which everything that this toolkit makes is known as its own. */
const OWNER = 'threads-ops'

/** The label that Kubernetes recommends for it. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
const MANAGED_BY = 'app.kubernetes.io/managed-by'

/** Of a label's value. https://cloud.google.com/compute/docs/labeling-resources#requirements */
const LONGEST_VALUE = 63

/** A layer's name as a label: where a label can't hold it, what is left of it, and a hash that keeps it apart from others. */
export function layerLabel(layer: string): string {
  const plain = layer.toLowerCase().replace(/[^a-z0-9_-]/g, '-')
  if (plain === layer && layer.length <= LONGEST_VALUE) return layer
  const hash = createHash('sha256').update(layer).digest('hex').slice(0, 6)
  return `${plain.slice(0, LONGEST_VALUE - hash.length - 1)}-${hash}`
}

/** The labels of Google's resources that belong to an environment, or to one of its layers. */
export const ownLabels = ({ environment, layer }: { environment: string; layer?: string | undefined }) => ({
  'managed-by': OWNER,
  environment,
  ...(layer !== undefined && { layer: layerLabel(layer) }),
})

/** Whether a resource of Google's with these labels is one that this toolkit made. */
export const isOwnResource = (labels: Readonly<Record<string, string>>): boolean => labels['managed-by'] === OWNER

/** The labels of the Kubernetes objects that the layers and the verbs make. */
export const ownObjectLabels: Readonly<Record<string, string>> = { [MANAGED_BY]: OWNER }

/** Whether a Kubernetes object with these labels is one of them. */
export const isOwnObject = (labels: Readonly<Record<string, string>> = {}): boolean => labels[MANAGED_BY] === OWNER
