import { invalid } from './errors.ts'

/** The wanted members, each with the members wanted below it; an empty map means the whole value. */
type Selection = Map<string, Selection>

/**
 * A partial response: only the members that the parameter `fields` names, such as `items(name,size),nextPageToken` or
 * `items/name`. https://cloud.google.com/storage/docs/json_api#partial-response
 * @throws ApiError 400 for a selector that is malformed
 */
export function selectFields(value: object, selector: string): object {
  const rest = selector.match(/[^/,()]+|[/,()]/g) ?? []
  const selection = members(rest, selector)
  if (rest.length > 0) throw malformed(selector)
  return pick(value, selection) as object
}

const malformed = (selector: string) => invalid(`Invalid field selection ${selector}`, 'invalidParameter')

function members(rest: string[], selector: string): Selection {
  const found: Selection = new Map()
  do {
    const name = rest.shift()
    if (name === undefined || /^[/,()]$/.test(name)) throw malformed(selector)
    merge(found, name.trim(), below(rest, selector))
  } while (rest[0] === ',' && rest.shift())
  return found
}

/** What follows a name: `/name…`, `(name,…)` or nothing. */
function below(rest: string[], selector: string): Selection {
  if (rest[0] === '/') {
    rest.shift()
    const name = rest.shift()
    if (name === undefined || /^[/,()]$/.test(name)) throw malformed(selector)
    return new Map([[name.trim(), below(rest, selector)]])
  }
  if (rest[0] !== '(') return new Map()
  rest.shift()
  const inner = members(rest, selector)
  if (rest.shift() !== ')') throw malformed(selector)
  return inner
}

/** `items/name,items/size` selects both; `items,items/name` selects all of `items`. */
function merge(into: Selection, name: string, selection: Selection): void {
  const present = into.get(name)
  if (!present || selection.size === 0) into.set(name, selection)
  else if (present.size > 0) for (const [key, inner] of selection) merge(present, key, inner)
}

function pick(value: unknown, selection: Selection): unknown {
  if (selection.size === 0) return value
  if (Array.isArray(value)) return value.map(element => pick(element, selection))
  if (typeof value !== 'object' || value === null) return value
  const everything = selection.get('*')
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const wanted = selection.get(name) ?? everything
      return wanted ? [[name, pick(inner, wanted)]] : []
    }),
  )
}
