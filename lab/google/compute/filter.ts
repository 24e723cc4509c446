import { invalid } from '../http/errors.ts'

/** Whether a resource matches. */
export type Predicate = (resource: object) => boolean

type Operator = '=' | '!=' | '>' | '<' | '>=' | '<=' | ':' | 'eq' | 'ne'

const TOKEN = /\s*(?:"((?:[^"\\]|\\.)*)"|(!=|>=|<=|[=><:()])|([^\s"=!><:()]+))/y

interface Token {
  text: string
  /** The token as written, for regular expressions, in which backslashes are kept. */
  raw: string
  quoted: boolean
}

function tokens(filter: string): Token[] {
  const found: Token[] = []
  const text = filter.trimEnd()
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text)
    if (!match) throw malformed(filter)
    const [, quoted, symbol, bare] = match
    found.push(
      quoted === undefined
        ? { text: symbol ?? bare ?? '', raw: symbol ?? bare ?? '', quoted: false }
        : { text: withoutEscapes(quoted), raw: quoted.replaceAll('\\"', '"'), quoted: true },
    )
  }
  return found
}

const withoutEscapes = (text: string): string => text.replace(/\\(.)/g, '$1')

const malformed = (filter: string) => invalid(`Invalid value for field 'filter': '${filter}'. Invalid list filter expression.`)

/**
 * Compiles a list filter: AIP-160's `= != > < >= <= :` with AND, OR, NOT and parentheses (OR binds tighter than AND, as there),
 * or the older `eq` and `ne`, whose value is a regular expression for the whole value. The two are never mixed.
 * @throws ApiError 400 for anything else.
 */
export function compileFilter(filter: string): Predicate {
  const rest = tokens(filter)
  const kinds = new Set<'comparison' | 'pattern'>()
  const peek = (): Token | undefined => rest[0]
  const isWord = (word: string): boolean => peek()?.text === word && !peek()?.quoted
  const take = (): Token => {
    const token = rest.shift()
    if (!token) throw malformed(filter)
    return token
  }

  function conjunction(): Predicate {
    const parts = [disjunction()]
    while (peek() && !isWord(')')) {
      if (isWord('AND')) take()
      parts.push(disjunction())
    }
    return resource => parts.every(part => part(resource))
  }

  function disjunction(): Predicate {
    const parts = [negation()]
    while (isWord('OR')) {
      take()
      parts.push(negation())
    }
    return resource => parts.some(part => part(resource))
  }

  function negation(): Predicate {
    if (isWord('NOT')) {
      take()
      const inner = term()
      return resource => !inner(resource)
    }
    return term()
  }

  function term(): Predicate {
    if (!isWord('(')) return restriction()
    take()
    const inner = conjunction()
    if (take().text !== ')') throw malformed(filter)
    return inner
  }

  function restriction(): Predicate {
    const path = fieldPath(rest, take)
    const operator = take().text
    if (!isOperator(operator)) throw malformed(filter)
    const value = take()
    if (!value.quoted && /^[()=<>:]$|^!=$/.test(value.text)) throw malformed(filter)
    const isPattern = operator === 'eq' || operator === 'ne'
    kinds.add(isPattern ? 'pattern' : 'comparison')
    return comparison(path, operator, isPattern ? value.raw : value.text, filter)
  }

  const predicate = conjunction()
  if (rest.length > 0 || kinds.size > 1) throw malformed(filter)
  return predicate
}

const operators: readonly string[] = ['=', '!=', '>', '<', '>=', '<=', ':', 'eq', 'ne']
const isOperator = (text: string): text is Operator => operators.includes(text)

/** `labels.layer`, `labels."layer"`: a quoted part may contain anything. */
function fieldPath(rest: Token[], take: () => Token): string[] {
  const first = take()
  const path = first.quoted ? [first.text] : first.text.split('.')
  while (path.at(-1) === '' && rest[0]) {
    path.pop()
    const part = take()
    path.push(...(part.quoted ? [part.text] : part.text.split('.')))
  }
  return path
}

function comparison(path: string[], operator: Operator, wanted: string, filter: string): Predicate {
  if (operator === 'eq' || operator === 'ne') {
    const pattern = wholePattern(wanted, filter)
    return resource => values(resource, path).some(value => pattern.test(asText(value))) === (operator === 'eq')
  }
  if (operator === ':') return resource => values(resource, path).some(value => contains(value, wanted))
  if (operator === '=') return resource => values(resource, path).some(value => equals(value, wanted))
  if (operator === '!=') return resource => !values(resource, path).some(value => equals(value, wanted))
  const test = ordered[operator]
  return resource => values(resource, path).some(value => test(compare(asText(value), wanted)))
}

const ordered = {
  '>': (order: number) => order > 0,
  '<': (order: number) => order < 0,
  '>=': (order: number) => order >= 0,
  '<=': (order: number) => order <= 0,
}

function wholePattern(source: string, filter: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`)
  } catch {
    throw malformed(filter)
  }
}

/** All values at a path; a list on the path means each of its elements. */
function values(value: unknown, path: string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap(element => values(element, path))
  const [field, ...deeper] = path
  if (field === undefined) return value === undefined ? [] : [value]
  if (typeof value !== 'object' || value === null) return []
  return values((value as Record<string, unknown>)[field], deeper)
}

const asText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

/** `*` at either end of the wanted value matches anything. */
function equals(value: unknown, wanted: string): boolean {
  const text = asText(value)
  if (!wanted.includes('*')) return text === wanted || compare(text, wanted) === 0
  const pattern = wanted
    .split('*')
    .map(part => RegExp.escape(part))
    .join('.*')
  return new RegExp(`^${pattern}$`).test(text)
}

/** The operator `:` ("has"): a map has the key, a text has the word, `*` matches anything present. */
function contains(value: unknown, wanted: string): boolean {
  if (wanted === '*') return true
  if (typeof value === 'object' && value !== null) return wanted in value
  return equals(value, wanted) || asText(value).toLowerCase().includes(wanted.toLowerCase())
}

const DATE = /^\d{4}-\d{2}-\d{2}/

/** Compares numbers and dates by value, anything else as text. */
function compare(left: string, right: string): number {
  if (left !== '' && right !== '' && Number.isFinite(Number(left)) && Number.isFinite(Number(right))) {
    return Number(left) - Number(right)
  }
  if (DATE.test(left) && DATE.test(right)) return Date.parse(left) - Date.parse(right)
  return left < right ? -1 : left > right ? 1 : 0
}
