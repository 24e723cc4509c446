import type { Cluster } from '../../cluster/cluster.ts'
import { imageUpdaters } from '../../cluster/kinds.ts'
import { GROUP } from '../../model/image/updater.ts'
import type { ImageUpdater } from '../../model/image/world.ts'

/** Undefined where the cluster does not serve the kind: an Image Updater before version 1.0 is configured by annotations alone. */
export async function listedUpdaters(
  cluster: Pick<Cluster, 'versions' | 'list'>,
  namespace: string,
  signal: AbortSignal,
): Promise<ImageUpdater[] | undefined> {
  const [version] = await cluster.versions(GROUP, signal)
  return version === undefined ? undefined : cluster.list<ImageUpdater>(imageUpdaters(version), namespace, signal)
}
