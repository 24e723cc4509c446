import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Api, ApiError } from './api.ts'
import { parseImage } from './images.ts'
import { namespaceOf, type PersistentVolume, type PersistentVolumeClaim, type Pod } from './kubernetes.ts'

export const PROVISIONER = 'rancher.io/local-path'
const DIRECTORY = '/opt/local-path-provisioner'

interface StorageClass {
  metadata: { name: string }
  provisioner: string
  reclaimPolicy?: string
}

/** Whether the pod is Rancher's provisioner and ready: only then does the agent do its work. */
export const isProvisioner = ({ spec, status, metadata }: Pod): boolean =>
  !metadata.deletionTimestamp &&
  spec.containers.some(({ image }) => parseImage(image)?.path === 'rancher/local-path-provisioner') &&
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true

/**
 * Creates a volume for a claim that the scheduler has placed on this node: a folder on the machine's disk, named like those of
 * Rancher's provisioner.
 */
export async function provision(api: Api, node: string, claim: PersistentVolumeClaim): Promise<void> {
  const { annotations = {}, name, uid, resourceVersion } = claim.metadata
  const { storageClassName, volumeName, accessModes, resources, volumeMode } = claim.spec
  const placed = annotations['volume.kubernetes.io/selected-node'] === node
  const ours = annotations['volume.kubernetes.io/storage-provisioner'] === PROVISIONER
  if (!placed || !ours || volumeName || claim.metadata.deletionTimestamp || !storageClassName) return
  const storageClass = await api.get<StorageClass>(`/apis/storage.k8s.io/v1/storageclasses/${storageClassName}`)
  const namespace = namespaceOf(claim)
  const volume = `pvc-${uid}`
  const path = join(DIRECTORY, `${volume}_${namespace}_${name}`)
  await mkdir(path, { recursive: true })
  // Set again by chmod, as mkdir's mode is subject to the umask.
  await chmod(path, 0o777)
  await api
    .create('/api/v1/persistentvolumes', {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volume, annotations: { 'pv.kubernetes.io/provisioned-by': PROVISIONER } },
      spec: {
        accessModes,
        capacity: { storage: resources.requests.storage },
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
        hostPath: { path, type: 'DirectoryOrCreate' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }],
          },
        },
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
        storageClassName,
        volumeMode: volumeMode ?? 'Filesystem',
      },
    })
    .catch(ignoring(409))
}

/** Deletes a released volume and its folder, unless it is to be retained. */
export async function reclaim(api: Api, volume: PersistentVolume): Promise<void> {
  const { name, annotations = {} } = volume.metadata
  const { hostPath, persistentVolumeReclaimPolicy } = volume.spec
  const ours = annotations['pv.kubernetes.io/provisioned-by'] === PROVISIONER
  if (!ours || volume.status?.phase !== 'Released' || persistentVolumeReclaimPolicy !== 'Delete') return
  if (hostPath?.path.startsWith(`${DIRECTORY}/`)) await rm(hostPath.path, { recursive: true, force: true })
  await api.delete(`/api/v1/persistentvolumes/${name}`).catch(ignoring(404))
}

const ignoring = (status: number) => (error: unknown) => {
  if (!(error instanceof ApiError && error.status === status)) throw error
}
