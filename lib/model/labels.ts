/** The value by which everything that this toolkit makes is known as its own. */
const OWNER = 'threads-ops'

/** The label that Kubernetes recommends for it. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
const MANAGED_BY = 'app.kubernetes.io/managed-by'

/** The labels of Google's resources that belong to an environment, or to one of its layers. */
export const ownLabels = ({ environment, layer }: { environment: string; layer?: string | undefined }) => ({
  'managed-by': OWNER,
  environment,
  ...(layer !== undefined && { layer }),
})

/** The labels of the Kubernetes objects that the layers and the verbs make. */
export const ownObjectLabels: Readonly<Record<string, string>> = { [MANAGED_BY]: OWNER }

/** Whether a Kubernetes object with these labels is one of them. */
export const isOwnObject = (labels: Readonly<Record<string, string>> = {}): boolean => labels[MANAGED_BY] === OWNER
