import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rm } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { systemCode } from '../../../lib/runtime/errors.ts'
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
    const source = subPathOf(await sourceOf(api, pod, volume, directory), subPath)
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
  if (hostPath) return ownPath(hostPath.path)
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
  return ownPath(spec.hostPath.path)
}

/** Folders of a machine that have nothing of its system: what is in them may be a pod's, as root and writable. */
const FOR_PODS: readonly string[] = ['/mnt', '/opt', '/srv']

/**
 * A folder of the machine that a pod may have. With another one, such as `/etc`, it would be the machine's root before long, and with that
 * the host's. @returns the path without symbolic links @throws Error for another one
 */
export function ownPath(path: string): string {
  const real = realPathOf(path)
  if (FOR_PODS.some(folder => real.startsWith(`${folder}/`))) return real
  throw new Error(`host path "${path}" is the machine's own: the lab mounts only folders below ${FOR_PODS.join(', ')}`)
}

/** Also of what does not exist yet, and is a folder below one that does. */
function realPathOf(path: string): string {
  const normal = posix.resolve('/', path)
  try {
    return realpathSync(normal)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    // A link to nothing is not what does not exist.
    if (lstatSync(normal, { throwIfNoEntry: false })) throw new Error(`host path "${path}" leads nowhere`)
    return posix.join(realPathOf(posix.dirname(normal)), posix.basename(normal))
  }
}

/**
 * A path in a volume, whose folders are made where they are missing. A pod can have put a symbolic link there, which would lead anywhere
 * in the machine: none is followed. @throws Error for a link, and for a path out of the volume
 */
export function subPathOf(volume: string, subPath: string): string {
  let path = volume
  const names = subPath.split('/').filter(name => name !== '' && name !== '.')
  for (const [index, name] of names.entries()) {
    if (name === '..') throw new Error(`subPath "${subPath}" leads out of its volume`)
    path = join(path, name)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isSymbolicLink()) throw new Error(`subPath "${subPath}" leads through a symbolic link`)
    if (!found) mkdirSync(path)
    else if (!found.isDirectory() && index < names.length - 1) throw new Error(`subPath "${subPath}" leads through a file`)
  }
  return path
}

/**
 * Where one mount is within another, bubblewrap would follow the other's symbolic links, and make folders and files where they lead.
 * @throws Error when there is one on the way
 */
export function assertNoLinks(mounts: readonly Mount[]): void {
  for (const { target } of mounts) {
    for (const around of mounts) {
      const rest = posix.relative(around.target, target)
      if (rest === '' || rest.startsWith('../')) continue
      const names = around.isLink ? [] : rest.split('/')
      const paths = [around.source, ...names.map((_, index) => join(around.source, ...names.slice(0, index + 1)))]
      const isLink = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
      if (around.isLink || paths.slice(1).some(isLink)) throw new Error(`mount path "${target}" leads through a symbolic link`)
    }
  }
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
