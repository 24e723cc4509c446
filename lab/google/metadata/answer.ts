import { createHash } from 'node:crypto'
import { listing, type Node, nodeAt, recursive, recursiveText } from './tree.ts'

export interface Answer {
  status: number
  text: string
  type: 'application/text' | 'application/json'
  etag: string
}

/** The answer for a path of the tree, in the form that the query asks for. */
export function answer(tree: Node, path: string, query: URLSearchParams): Answer {
  const node = nodeAt(tree, path)
  if (node === undefined) return complete(404, 'Not Found\n')
  const whole = query.get('recursive')?.toLowerCase() === 'true'
  const asJson = query.get('alt') === 'json' || (whole && query.get('alt') !== 'text')
  if (typeof node === 'string') return asJson ? complete(200, JSON.stringify(node), true) : complete(200, node)
  if (!whole) return complete(200, listing(node))
  return asJson ? complete(200, JSON.stringify(recursive(node)), true) : complete(200, recursiveText(node))
}

function complete(status: number, text: string, json = false): Answer {
  const etag = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return { status, text, type: json ? 'application/json' : 'application/text', etag }
}
