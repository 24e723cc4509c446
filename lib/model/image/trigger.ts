/** The `on.push` of a workflow. */
interface PushTrigger {
  branches?: string[]
  'branches-ignore'?: string[]
  paths?: string[]
  'paths-ignore'?: string[]
}

/** What keeps a push from starting a workflow; undefined when nothing does. @param path of the one file that the push changes; undefined where it changes none */
export function triggerProblem(on: unknown, branch: string, path: string | undefined): 'push' | 'branch' | 'path' | undefined {
  if (on === 'push' || (Array.isArray(on) && on.includes('push'))) return undefined
  if (typeof on !== 'object' || on === null || Array.isArray(on) || !('push' in on)) return 'push'
  const { branches, 'branches-ignore': notBranches, paths, 'paths-ignore': notPaths } = (on.push ?? {}) as PushTrigger
  if ((branches && !matches(branches, branch)) || (notBranches && matches(notBranches, branch))) return 'branch'
  // A push without files passes no filter of files.
  if (path === undefined) return paths || notPaths ? 'path' : undefined
  if ((paths && !matches(paths, path)) || (notPaths && matches(notPaths, path))) return 'path'
  return undefined
}

/**
 * The last pattern that matches decides; a leading `!` excludes. One star stops at a slash, two do not.
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
 */
const matches = (patterns: readonly string[], text: string): boolean =>
  patterns.reduce((matched, pattern) => {
    const excludes = pattern.startsWith('!')
    return regExpOf(excludes ? pattern.slice(1) : pattern).test(text) ? !excludes : matched
  }, false)

function regExpOf(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*\/?|\*)/).map(part => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '**') return '.*'
    return part === '*' ? '[^/]*' : part.replace(/[.^$(){}|\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}
