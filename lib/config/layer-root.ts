import { join } from 'node:path'

/** Where a layer's root is, below the layer's folder, unless the environment's file says otherwise. */
export const USUAL_ROOT = 'envs/{env}'

/** The folder of a layer in an environment. @param root below the layer's own folder; `{env}` is the environment's name */
export const layerRoot = (
  layer: string,
  { directory, root = USUAL_ROOT, env }: { directory: string; root?: string | undefined; env: string },
): string => join(directory, layer, root.replaceAll('{env}', env))
