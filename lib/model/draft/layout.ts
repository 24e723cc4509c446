/** How the layers of a Terraform tree lie in its folder. */
export interface Layout {
  /** The layers' folders: those with a number in its order, then the others by name. */
  layers: string[]
  /** Where each root is, below its layer's folder, with `{env}` for the environment's name. */
  root: string
  /** Folders that have Terraform files, but not at `root`. */
  others: string[]
}

/** Why there is no one layout; `roots` may be named instead. */
export interface Undecided {
  roots: string[]
}

/** Modules are called by roots, and are none. */
const isModule = (folder: string): boolean => folder.split('/').some(part => /^modules?$/.test(part) || part.startsWith('.'))

/**
 * The layout that most layers share, of those that name the environment if any does.
 * @param folders those with Terraform files, relative to the tree's folder
 * @param wanted the roots' place where it is known
 */
export function layoutOf(folders: readonly string[], env: string, wanted?: string): Layout | Undecided {
  const roots = folders
    .filter(folder => folder !== '' && folder !== '.' && !isModule(folder))
    .map(folder => rootIn(folder, env))
  const templates = Map.groupBy(roots, ({ template }) => template)
  const candidates = [...templates].map(([template, found]) => ({ template, size: found.length }))
  const ofEnvironment = candidates.filter(({ template }) => template.includes('{env}'))
  const chosen = ofEnvironment.length > 0 ? ofEnvironment : candidates
  const most = Math.max(...chosen.map(({ size }) => size))
  const best = chosen.filter(({ size }) => size === most).map(({ template }) => template)
  const root = wanted ?? (best.length === 1 ? best[0] : undefined)
  const found = root === undefined ? undefined : templates.get(root)
  if (root === undefined || !found) return { roots: [...templates.keys()].sort() }
  const layers = found.map(({ layer }) => layer).sort(inOrder)
  return { layers, root, others: [...new Set(roots.map(({ layer }) => layer))].filter(layer => !layers.includes(layer)).sort() }
}

function rootIn(folder: string, env: string): { layer: string; template: string } {
  const [layer = '', ...below] = folder.split('/')
  return { layer, template: below.map(part => (part === env ? '{env}' : part)).join('/') || '.' }
}

const numberOf = (name: string): number => Number(/^\d+/.exec(name)?.[0] ?? Number.POSITIVE_INFINITY)

function inOrder(one: string, other: string): number {
  const [first, second] = [numberOf(one), numberOf(other)]
  return first === second ? one.localeCompare(other) : first - second
}

/** Whether the order of the layers is more than that of their names. */
export const isNumbered = (layers: readonly string[]): boolean =>
  layers.every(layer => Number.isFinite(numberOf(layer))) && new Set(layers.map(numberOf)).size === layers.length
