/** `v1.34.1+k0s.0`: the version of Kubernetes, and k0s's own build of it. */
export interface K0sVersion {
  major: number
  minor: number
  patch: number
  build: number
}

const FORM = /^v(\d+)\.(\d+)\.(\d+)\+k0s\.(\d+)$/

/** Undefined for anything else, pre-releases included: they are not for production. */
export function parseVersion(text: string): K0sVersion | undefined {
  const match = FORM.exec(text)
  if (!match) return undefined
  const [major = 0, minor = 0, patch = 0, build = 0] = match.slice(1).map(Number)
  return { major, minor, patch, build }
}

/** Negative, zero or positive, as sort functions expect. */
export const compareVersions = (a: K0sVersion, b: K0sVersion): number =>
  a.major - b.major || a.minor - b.minor || a.patch - b.patch || a.build - b.build

export type VersionChange = 'same' | 'upgrade' | 'downgrade' | 'skips a minor'

/**
 * Kubernetes supports upgrades one minor version at a time, and no way back.
 * https://kubernetes.io/releases/version-skew-policy/
 */
export function versionChange(from: K0sVersion, to: K0sVersion): VersionChange {
  const order = compareVersions(from, to)
  if (order === 0) return 'same'
  if (order > 0) return 'downgrade'
  return from.major !== to.major || to.minor - from.minor > 1 ? 'skips a minor' : 'upgrade'
}
