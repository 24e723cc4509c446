import { applying } from '../layer/maker.ts'
import { command } from '../shell.ts'
import { ageOf, formatAge, isSettling } from './age.ts'
import { broken, doubtful, type Finding, noted, underway } from './finding.ts'
import { isLive, nameOf, type PersistentVolumeClaim, type Pod, type StorageClass, sameNamespace } from './objects.ts'

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'

/** @param maker layer that makes the storage classes, where that is known */
export function volumeFindings(
  claims: readonly PersistentVolumeClaim[],
  classes: readonly StorageClass[],
  pods: readonly Pod[],
  now: Date,
  maker?: string,
): Finding[] {
  const apply = applying(maker)
  return [
    ...defaultClassFindings(classes, apply),
    ...claims.flatMap(claim => claimFinding(claim, classes, pods, { now, apply }) ?? []),
  ]
}

/** Newest first: where there are several, the newest counts. */
const defaultsOf = (classes: readonly StorageClass[]): StorageClass[] =>
  classes
    .filter(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true')
    .toSorted((a, b) => Date.parse(b.metadata.creationTimestamp ?? '') - Date.parse(a.metadata.creationTimestamp ?? ''))

function defaultClassFindings(classes: readonly StorageClass[], apply: string): Finding[] {
  const defaults = defaultsOf(classes).map(({ metadata }) => metadata.name)
  if (defaults.length === 1) return []
  const evidence = { classes: classes.map(({ metadata }) => metadata.name), defaults }
  const patch = (name: string, value: boolean) =>
    command`kubectl patch storageclass ${name} -p '{"metadata":{"annotations":{"${DEFAULT_CLASS}":"${String(value)}"}}}'`
  if (defaults.length > 1) {
    const [winner, ...others] = defaults
    const text = `${defaults.length} default classes (${defaults.join(', ')}): the newest one, ${winner}, wins`
    const remedy = others.map(name => patch(name, false)).join('; ')
    return [doubtful('storage-class/several-defaults', 'StorageClass', text, { evidence, remedy })]
  }
  const [first] = classes
  const remedy = first ? patch(first.metadata.name, true) : apply
  const text = 'no default class: claims without a class stay pending'
  return [broken('storage-class/no-default', 'StorageClass', text, { evidence, remedy })]
}

function claimFinding(
  claim: PersistentVolumeClaim,
  classes: readonly StorageClass[],
  pods: readonly Pod[],
  { now, apply }: { now: Date; apply: string },
): Finding | undefined {
  const object = nameOf('PersistentVolumeClaim', claim)
  const { creationTimestamp, deletionTimestamp, name, namespace } = claim.metadata
  const describe = command`kubectl -n ${namespace} describe pvc ${name}`
  if (deletionTimestamp !== undefined) return underway('volume/terminating', object, 'being deleted', { remedy: describe })
  const phase = claim.status?.phase ?? 'Pending'
  if (phase === 'Bound') return undefined
  if (phase === 'Lost') {
    const text = `its volume ${claim.spec?.volumeName ?? ''} is lost, and the data with it`
    return broken('volume/lost', object, text, { remedy: 'restore the VM from a snapshot: ./taskw snapshot:list' })
  }
  const className = claim.spec?.storageClassName ?? defaultsOf(classes)[0]?.metadata.name
  const age = formatAge(ageOf(creationTimestamp, now))
  const level = isSettling(creationTimestamp, now) ? underway : broken
  if (className === '') {
    const text = `pending for ${age}: its class is "", so it waits for a volume made by hand`
    return level('volume/pending', object, text, { evidence: { storageClassName: className }, remedy: describe })
  }
  const storageClass = classes.find(({ metadata }) => metadata.name === className)
  if (!storageClass) {
    const text = className
      ? `storageclass.storage.k8s.io "${className}" not found`
      : 'it names no class, and there is no default class'
    const present = classes.map(({ metadata }) => metadata.name)
    return broken('volume/class-missing', object, text, {
      evidence: { storageClassName: className ?? null, classes: present },
      remedy: `${apply}${present.length > 0 ? `, or name one of the existing classes: ${present.join(', ')}` : ''}`,
    })
  }
  const consumers = pods.filter(pod => sameNamespace(pod, claim) && isLive(pod) && claims(pod, name))
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && consumers.length === 0) {
    return noted('volume/no-consumer', object, `pending: class ${className} waits for a pod that uses it`)
  }
  return level('volume/pending', object, `pending for ${age} with class ${className}`, {
    evidence: {
      storageClassName: className,
      provisioner: storageClass.provisioner,
      consumers: consumers.map(pod => pod.metadata.name),
    },
    remedy: `${describe}; kubectl -n local-path-storage logs deployment/local-path-provisioner`,
  })
}

const claims = (pod: Pod, name: string): boolean =>
  pod.spec?.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name) ?? false
