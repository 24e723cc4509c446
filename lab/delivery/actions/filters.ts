/** `on.push` of a workflow, as YAML gives it. */
export interface PushFilter {
  branches?: string[]
  'branches-ignore'?: string[]
  paths?: string[]
  'paths-ignore'?: string[]
  tags?: string[]
  'tags-ignore'?: string[]
}

/** Whether a push of a branch starts the workflow. @param paths of the files that the push changes */
export function isTriggered(filter: PushFilter, branch: string, paths: readonly string[]): boolean {
  const { branches, 'branches-ignore': ignoredBranches, paths: wanted, 'paths-ignore': ignoredPaths } = filter
  // A workflow that filters by tags alone runs for no branch.
  if (!branches && !ignoredBranches && (filter.tags || filter['tags-ignore'])) return false
  if (branches && !matches(branches, branch)) return false
  if (ignoredBranches && matches(ignoredBranches, branch)) return false
  if (wanted && !paths.some(path => matches(wanted, path))) return false
  return !ignoredPaths || !paths.every(path => matches(ignoredPaths, path))
}

/** The last pattern that matches decides; one with `!` before it excludes. */
function matches(patterns: readonly string[], text: string): boolean {
  let matched = false
  for (const pattern of patterns) {
    const isNegative = pattern.startsWith('!')
    if (toRegExp(isNegative ? pattern.slice(1) : pattern).test(text)) matched = !isNegative
  }
  return matched
}

/**
 * `*` is anything but a slash, `**` anything at all; `?`, `+` and `[…]` are as in a regular expression.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
 */
function toRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|\*|[.^$(){}|\\]/g, special => {
    if (special === '**/') return '(?:.*/)?'
    if (special === '**') return '.*'
    return special === '*' ? '[^/]*' : `\\${special}`
  })
  return new RegExp(`^${source}$`)
}
