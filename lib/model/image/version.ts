/** Which part of a version to raise, or the exact version to set. */
export type Bump = 'patch' | 'minor' | 'major' | string

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/

/** A version that cannot be raised as asked, and why. */
export interface Refused {
  why: string
}

/** The version after `current`; an exact one must be higher. Pre-releases are not supported. */
export function nextVersion(current: string, to: Bump): { version: string } | Refused {
  const now = parts(current)
  if (!now) return { why: `${current} is not a version of the form 1.2.3` }
  const [major, minor, patch] = now
  if (to === 'patch') return { version: `${major}.${minor}.${patch + 1}` }
  if (to === 'minor') return { version: `${major}.${minor + 1}.0` }
  if (to === 'major') return { version: `${major + 1}.0.0` }
  const wanted = parts(to)
  if (!wanted) return { why: `"${to}" is neither patch, minor or major, nor a version of the form 1.2.3` }
  const at = wanted.findIndex((part, index) => part !== now[index])
  if (at < 0 || (wanted[at] ?? 0) < (now[at] ?? 0)) return { why: `${to} is not higher than ${current}` }
  return { version: to }
}

function parts(version: string): [number, number, number] | undefined {
  const [, ...numbers] = VERSION.exec(version) ?? []
  return numbers.length === 3 ? (numbers.map(Number) as [number, number, number]) : undefined
}

/** Where a file's version is: the characters from `from` up to `to`, exclusive. */
interface Place {
  version: string
  from: number
  to: number
}

/** The version in a `package.json` or `pyproject.toml`, or undefined where there is none. */
export const versionIn = (file: string, text: string): string | undefined => placeIn(file, text)?.version

/** The text with another version and everything else unchanged; undefined where there is no version to replace. */
export function withVersion(file: string, text: string, version: string): string | undefined {
  const place = placeIn(file, text)
  return place && `${text.slice(0, place.from)}${version}${text.slice(place.to)}`
}

const placeIn = (file: string, text: string): Place | undefined =>
  file.endsWith('.toml') ? inToml(text) : file.endsWith('.json') ? inJson(text) : undefined

/** Python's projects have it in `[project]`, Poetry's older ones in `[tool.poetry]`. */
function inToml(text: string): Place | undefined {
  for (const table of ['project', 'tool.poetry']) {
    const heading = new RegExp(`^\\[${table.replace('.', '\\.')}\\][^\\n]*$`, 'm').exec(text)
    if (!heading) continue
    const start = heading.index + heading[0].length
    const next = /^\s*\[/m.exec(text.slice(start))
    const end = next ? start + next.index : text.length
    const found = place(text, start, end, /^[ \t]*version[ \t]*=[ \t]*(["'])([^"'\n]*)\1/m)
    if (found) return found
  }
  return undefined
}

/** Only the member of the outermost object counts, not that of a dependency. */
function inJson(text: string): Place | undefined {
  let depth = 0
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"(?=\s*(:)?)|[{}[\]]/g)) {
    const [symbol, colon] = token
    if (symbol === '{' || symbol === '[') depth++
    else if (symbol === '}' || symbol === ']') depth--
    else if (depth === 1 && colon && symbol === '"version"') {
      return place(text, token.index, text.length, /^"version"\s*:\s*(")([^"\n]*)"/)
    }
  }
  return undefined
}

function place(text: string, start: number, end: number, pattern: RegExp): Place | undefined {
  const found = pattern.exec(text.slice(start, end))
  const version = found?.[2]
  if (!found || version === undefined) return undefined
  const from = start + found.index + found[0].lastIndexOf(version)
  return { version, from, to: from + version.length }
}

/** The subject of the empty commit that has a service built again. */
export const touchSubject = (service: string): string => `chore(${service}): build again`

/** The subject of the commit that raises a service's version. https://www.conventionalcommits.org/ */
export const bumpSubject = (service: string, version: string): string => `chore(${service}): bump version to ${version}`
