/** What a command of `npm audit` did. */
export interface Audited {
  stdout: string
  stderr: string
  /** It was ended, as the registry took too long. */
  isLate?: boolean
}

/** `wrong`: what was found must be mended; `unchecked`: nothing is known. */
export interface Verdict {
  verdict: 'right' | 'wrong' | 'unchecked'
  /** One line that begins with what was checked. */
  says: string
}

interface Package {
  name: string
  version: string
}

/** Of `npm audit signatures --json`. */
export function signaturesIn(audited: Audited): Verdict {
  const { invalid, missing } = documentIn(audited) as { invalid?: Package[]; missing?: Package[] }
  if (!Array.isArray(invalid) || !Array.isArray(missing)) return unchecked('signatures', audited)
  const found = [
    ...invalid.map(({ name, version }) => `${name}@${version} has a wrong one`),
    ...missing.map(({ name, version }) => `${name}@${version} has none`),
  ]
  if (found.length > 0) return { verdict: 'wrong', says: `signatures: ${found.join(', ')}` }
  return { verdict: 'right', says: "signatures: checked, every installed package has its registry's" }
}

/** What stops: less is a matter of weighing. */
const GRAVE = ['high', 'critical']

/** Of `npm audit --json`. */
export function vulnerabilitiesIn(audited: Audited): Verdict {
  const { vulnerabilities } = documentIn(audited) as { vulnerabilities?: Record<string, { severity: string }> }
  if (typeof vulnerabilities !== 'object') return unchecked('vulnerabilities', audited)
  const all = Object.entries(vulnerabilities).map(([name, { severity }]) => ({ name, severity }))
  const grave = all.filter(({ severity }) => GRAVE.includes(severity))
  if (grave.length > 0) {
    const names = grave.map(({ name, severity }) => `${name} (${severity})`)
    return { verdict: 'wrong', says: `vulnerabilities: ${names.join(', ')}; \`npm audit --omit=dev\` says more` }
  }
  const lesser = all.length > 0 ? `; lesser ones in ${all.map(({ name }) => name).join(', ')}` : ''
  return { verdict: 'right', says: `vulnerabilities: checked, none known that is high or critical in what is run${lesser}` }
}

function documentIn({ stdout }: Audited): object {
  try {
    const document: unknown = JSON.parse(stdout)
    return typeof document === 'object' && document !== null ? document : {}
  } catch {
    return {}
  }
}

function unchecked(what: string, audited: Audited): Verdict {
  const { message, error } = documentIn(audited) as { message?: string; error?: { summary?: string } }
  const said = [message, error?.summary, ...audited.stderr.split('\n')].map(line => line?.trim()).find(Boolean)
  const reason = audited.isLate ? 'it took too long' : (said ?? 'npm said nothing')
  return { verdict: 'unchecked', says: `${what}: not checked, the registry does not answer: ${reason}` }
}
