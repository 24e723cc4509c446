const TOKEN = /"(?:[^"\\]|\\.)*"|\*|[^"*]+|"/g

/**
 * Whether `--allow-destroy <pattern>` means an address. `*` stands for any text, dots and brackets included; inside a quoted
 * index key it is itself, so that an address always means itself and nothing else: `a_record.this["*"]` is one instance,
 * `a_record.this[*]` is all. Nothing else is special, and the whole address must match.
 */
export function allows(pattern: string, address: string): boolean {
  const source = (pattern.match(TOKEN) ?? []).map(token => (token === '*' ? '.*' : escaped(token))).join('')
  return new RegExp(`^${source}$`, 's').test(address)
}

const escaped = (plain: string): string => plain.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Patterns that mean nothing of what is destroyed: of all layers, since each of them may be meant for another one. */
export const unmatchedAllowances = (patterns: readonly string[], destroyed: readonly { address: string }[]): string[] =>
  patterns.filter(pattern => !destroyed.some(({ address }) => allows(pattern, address)))
