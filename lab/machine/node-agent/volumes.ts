import { chmod, chown, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { unmountBelow } from '../mounts.ts'
import { run } from '../process.ts'
import type { Api } from './api.ts'
import {
  type Container,
  namespaceOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Volume,
} from './kubernetes.ts'
import type { Mount } from './sandbox.ts'

const EMPTY_DIRECTORY = 'volumes/kubernetes.io~empty-dir'

/** Creates the pod's volumes that a container mounts. @returns the mounts @throws Error for an unsupported kind of volume */
export async function mountsOf(api: Api, pod: Pod, container: Container, directory: string): Promise<Mount[]> {
  const mounts: Mount[] = []
  for (const { name, mountPath, subPath = '', readOnly = false } of container.volumeMounts ?? []) {
    const volume = pod.spec.volumes?.find(candidate => candidate.name === name)
    if (!volume) throw new Error(`volume "${name}" does not exist`)
    const source = join(await sourceOf(api, pod, volume, directory), subPath)
    if (subPath) await mkdir(source, { recursive: true })
    mounts.push({ source, target: mountPath, readOnly })
  }
  return mounts
}

/** Removes the volumes of a pod that is gone. @param directory the pod's */
export async function releaseVolumes(directory: string): Promise<void> {
  await unmountBelow(directory)
  await rm(directory, { recursive: true, force: true })
}

async function sourceOf(api: Api, pod: Pod, volume: Volume, directory: string): Promise<string> {
  const { name, persistentVolumeClaim: claim, emptyDir, hostPath } = volume
  if (claim) return await folderOfClaim(api, namespaceOf(pod), claim.claimName)
  if (hostPath) return hostPath.path
  if (!emptyDir) throw new Error(`volume "${name}" is of a type that the lab does not support`)
  const path = join(directory, EMPTY_DIRECTORY, name)
  await mkdir(path, { recursive: true })
  if (emptyDir.medium === 'Memory' && !(await isMounted(path))) {
    const size = emptyDir.sizeLimit ? `,size=${bytesOf(emptyDir.sizeLimit)}` : ''
    await run('mount', ['-t', 'tmpfs', '-o', `nosuid,nodev${size}`, 'tmpfs', path])
  }
  const { fsGroup } = pod.spec.securityContext ?? {}
  if (fsGroup !== undefined) await chown(path, 0, fsGroup)
  await chmod(path, fsGroup === undefined ? 0o777 : 0o2777)
  return path
}

async function folderOfClaim(api: Api, namespace: string, name: string): Promise<string> {
  const claim = await api.get<PersistentVolumeClaim>(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`)
  const { spec } = await api.get<PersistentVolume>(`/api/v1/persistentvolumes/${claim.spec.volumeName}`)
  if (!spec.hostPath) throw new Error(`the volume of claim "${name}" is not a folder on this machine`)
  return spec.hostPath.path
}

const isMounted = async (path: string): Promise<boolean> =>
  (await readFile('/proc/self/mounts', 'utf8')).split('\n').some(line => line.split(' ')[1] === path)

const UNITS: Record<string, number> = {
  ...{ '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
}

/** A quantity of bytes. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
export function bytesOf(quantity: string): number {
  const [, number = '', unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(quantity) ?? []
  return Math.round(Number(number) * (UNITS[unit] ?? Number.NaN))
}
