import { byText } from '../compare.ts'

/** `v1.34.1+k0s.0`: the version of Kubernetes, and k0s's own build of it. */
export interface K0sVersion {
  major: number
  minor: number
  patch: number
  /** Of a pre-release, `rc.1`; otherwise empty. */
  pre: string
  build: number
  /** Of somebody's own build of that build, `ec.0`; otherwise empty. */
  suffix: string
}

const FORM = /^v(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?\+k0s\.(\d+)(?:-([0-9A-Za-z.-]+))?$/

/** Undefined for anything else. */
export function parseVersion(text: string): K0sVersion | undefined {
  const match = FORM.exec(text)
  if (!match) return undefined
  const [, major, minor, patch, pre = '', build, suffix = ''] = match
  return { major: Number(major), minor: Number(minor), patch: Number(patch), pre, build: Number(build), suffix }
}

/**
 * Negative, zero or positive, as sort functions expect. A pre-release comes before its release; somebody's own build before
 * k0s's, so that it can be replaced by that.
 */
export const compareVersions = (a: K0sVersion, b: K0sVersion): number =>
  a.major - b.major ||
  a.minor - b.minor ||
  a.patch - b.patch ||
  comparePreReleases(a.pre, b.pre) ||
  a.build - b.build ||
  comparePreReleases(a.suffix, b.suffix)

/** https://semver.org/#spec-item-11 */
function comparePreReleases(a: string, b: string): number {
  if (a === '' || b === '') return Number(a === '') - Number(b === '')
  const [left, right] = [a.split('.'), b.split('.')]
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const order = compareIdentifiers(left[at] ?? '', right[at] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length
}

const NUMBER = /^\d+$/

function compareIdentifiers(a: string, b: string): number {
  if (NUMBER.test(a) && NUMBER.test(b)) return Number(a) - Number(b)
  return Number(NUMBER.test(b)) - Number(NUMBER.test(a)) || byText(a, b)
}

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
