import { parseReference } from '../image/reference.ts'
import { applying } from '../layer/maker.ts'
import { namespacedName, objectName, parseNamespacedName } from '../namespaced-name.ts'
import { command } from '../shell.ts'
import { broken, type Finding, underway } from './finding.ts'
import type { Expectations, Inventory } from './inventory.ts'
import { isLive, isReady, type KubernetesObject, nameOf } from './objects.ts'

/** What the environment's configuration expects and is missing. What is there is judged by the other rules. */
export function expectationFindings(inventory: Inventory, expectations: Expectations): Finding[] {
  return [
    ...Object.entries(expectations.namespaces).flatMap(([name, { pods }]) => namespaceFinding(name, pods, inventory) ?? []),
    ...absent('Application', expectations.applications, inventory.applications, applying(expectations.makers?.Application)),
    ...absent('PersistentVolumeClaim', expectations.volumes, inventory.volumeClaims, 'see whether its Application is synced'),
    ...unbound(expectations.volumes, inventory),
    ...(expectations.images ?? []).flatMap(({ namespace, image }) => imageFindings(namespace, image, inventory)),
  ]
}

function namespaceFinding(name: string, wanted: number, { namespaces, pods }: Inventory): Finding | undefined {
  const object = `Namespace/${name}`
  if (!namespaces.some(({ metadata }) => metadata.name === name)) {
    return broken('expected/namespace', object, 'does not exist', { remedy: './taskw up' })
  }
  const live = pods.filter(pod => pod.metadata.namespace === name && isLive(pod))
  const ready = live.filter(isReady).length
  if (ready >= wanted) return undefined
  const evidence = { wanted, live: live.length, ready }
  return underway('expected/pods', object, `${ready} of at least ${wanted} pods are ready`, {
    evidence,
    remedy: command`kubectl -n ${name} get pods`,
  })
}

function absent(kind: string, wanted: readonly string[], objects: readonly KubernetesObject[], remedy: string): Finding[] {
  const present = new Set(objects.map(object => nameOf(kind, object)))
  return wanted
    .map(name => objectName(kind, parseNamespacedName(name)))
    .filter(name => !present.has(name))
    .map(name => underway(`expected/${kind === 'Application' ? 'application' : 'volume'}`, name, 'does not exist', { remedy }))
}

/** Claims that are not bound, even those that the volume rules accept because no pod uses them yet. */
const unbound = (wanted: readonly string[], { volumeClaims }: Inventory): Finding[] =>
  volumeClaims
    .filter(claim => wanted.includes(namespacedName(claim)) && claim.status?.phase !== 'Bound')
    .map(claim => {
      const { name, namespace } = claim.metadata
      const text = `is ${claim.status?.phase ?? 'Pending'}, not Bound`
      return underway('expected/volume', nameOf('PersistentVolumeClaim', claim), text, {
        remedy: command`kubectl -n ${namespace} describe pvc ${name}`,
      })
    })

function imageFindings(namespace: string, image: string, { pods }: Inventory): Finding[] {
  const wanted = parseReference(image)
  const running = pods
    .filter(pod => pod.metadata.namespace === namespace && isLive(pod))
    .flatMap(pod =>
      (pod.status?.containerStatuses ?? []).map(status => ({
        object: nameOf('Pod', pod),
        // As the manifest names it: a status may show another tag of the same image.
        image: pod.spec?.containers?.find(({ name }) => name === status.name)?.image ?? status.image ?? '',
        imageID: status.imageID ?? '',
      })),
    )
    .filter(container => parseReference(container.image).repository === wanted.repository)
  if (running.length === 0) {
    return [
      underway('expected/image', `Namespace/${namespace}`, `no pod runs ${image}`, {
        remedy: 'see whether its Application is synced',
      }),
    ]
  }
  return running
    .filter(container => container.image !== image && !(wanted.digest && container.imageID.endsWith(wanted.digest)))
    .map(container =>
      underway('expected/image', container.object, `runs ${container.image} instead of ${image}`, {
        evidence: { image: container.image, imageID: container.imageID, wanted: image },
        remedy:
          'see whether the Image Updater has bumped it: kubectl -n argocd get events --field-selector reason=ImagesUpdated',
      }),
    )
}
