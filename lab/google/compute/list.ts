import { createHash } from 'node:crypto'
import { invalidField } from '../http/errors.ts'
import type { Call, Reply } from '../http/router.ts'
import { compileFilter } from './filter.ts'
import { linkTo } from './resource.ts'

interface Listed {
  name: string
  creationTimestamp?: string
  selfLink?: string
}

const LARGEST_PAGE = 500

type Order = (item: Listed) => [string | number, string]

/** The sort key, then the link: a total order, so that a page token can name a position in it. */
function orderOf(orderBy: string | null): Order {
  const link = (item: Listed) => item.selfLink ?? item.name
  if (!orderBy || orderBy === 'name') return item => [item.name, link(item)]
  if (orderBy === 'creationTimestamp desc') return item => [-Date.parse(item.creationTimestamp ?? ''), link(item)]
  throw invalidField('orderBy', orderBy, 'Must be name or creationTimestamp desc.')
}

function compare(left: [string | number, string], right: [string | number, string]): number {
  if (left[0] !== right[0]) return left[0] < right[0] ? -1 : 1
  return left[1] < right[1] ? -1 : left[1] > right[1] ? 1 : 0
}

/**
 * One page: filtered, sorted, and starting after the position that the page token names, whatever was added or deleted
 * meanwhile.
 */
export function page<T extends Listed>(call: Call, all: T[]): { items: T[]; nextPageToken?: string } {
  const filter = call.query.get('filter')
  const passes = filter ? compileFilter(filter) : () => true
  const key = orderOf(call.query.get('orderBy'))
  const token = call.query.get('pageToken')
  const after = token ? readToken(token) : undefined
  const size = pageSize(call.query.get('maxResults'))
  const rest = all
    .filter(item => passes(item))
    .map(item => ({ item, key: key(item) }))
    .sort((left, right) => compare(left.key, right.key))
    .filter(({ key }) => !after || compare(key, after) > 0)
  const taken = rest.slice(0, size)
  const last = taken.at(-1)
  return {
    items: taken.map(({ item }) => item),
    ...(last && rest.length > taken.length
      ? { nextPageToken: Buffer.from(JSON.stringify(last.key)).toString('base64url') }
      : {}),
  }
}

function pageSize(text: string | null): number {
  if (text === null || text === '') return LARGEST_PAGE
  const size = Number(text)
  if (!Number.isInteger(size) || size < 0 || size > LARGEST_PAGE) {
    throw invalidField('maxResults', text, `Must be between 0 and ${LARGEST_PAGE}, inclusive.`)
  }
  return size === 0 ? LARGEST_PAGE : size
}

function readToken(token: string): [string | number, string] {
  try {
    const [key, link] = JSON.parse(Buffer.from(token, 'base64url').toString())
    return [key, link]
  } catch {
    throw invalidField('pageToken', token, 'Must be the nextPageToken of the previous page.')
  }
}

const idOf = (path: string): string => `${path}/${createHash('sha256').update(path).digest('hex').slice(0, 8)}`

/** The answer to a `list`. */
export function listReply(call: Call, kind: string, all: Listed[]): Reply {
  const path = call.path.replace(/^\/compute\/v1\//, '')
  const { items, nextPageToken } = page(call, all)
  return {
    json: {
      kind: `${kind}List`,
      id: idOf(path),
      ...(items.length > 0 ? { items } : {}),
      ...(nextPageToken ? { nextPageToken } : {}),
      selfLink: linkTo(path),
    },
  }
}

/** The answer to an `aggregatedList`: one entry per scope (`zones/…`), those without resources with Google's warning. */
export function aggregatedReply(call: Call, kind: string, field: string, scopes: string[], all: Listed[]): Reply {
  const path = call.path.replace(/^\/compute\/v1\//, '')
  const { items, nextPageToken } = page(call, all)
  const scoped = scopes.map(scope => {
    const inScope = items.filter(item => item.selfLink?.includes(`/${scope}/`))
    return [scope, inScope.length > 0 ? { [field]: inScope } : { warning: noResults(scope) }]
  })
  return {
    json: {
      kind: `${kind}AggregatedList`,
      id: idOf(path),
      items: Object.fromEntries(scoped),
      ...(nextPageToken ? { nextPageToken } : {}),
      selfLink: linkTo(path),
    },
  }
}

const noResults = (scope: string) => ({
  code: 'NO_RESULTS_ON_PAGE',
  message: `There are no results for scope '${scope}' on this page.`,
  data: [{ key: 'scope', value: scope }],
})
