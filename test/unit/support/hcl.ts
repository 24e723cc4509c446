/** A block of HCL: `resource "type" "name" { … }` has the keyword `resource` and two labels. */
export interface Block {
  keyword: string
  labels: string[]
  /** Between its braces, without comments. */
  body: string
}

const HEADER = /(\w+)((?:[ \t]+"[^"\n]*")*)[ \t]*\{/g

/** The blocks of a file's, or a body's, outermost level. */
export function blocksOf(hcl: string): Block[] {
  const text = withoutComments(hcl)
  const blocks: Block[] = []
  let end = 0
  for (const { index, 0: header, 1: keyword = '', 2: labels = '' } of text.matchAll(HEADER)) {
    if (index < end || !/^\s*$/.test(text.slice(text.lastIndexOf('\n', index) + 1, index))) continue
    end = closing(text, index + header.length - 1)
    blocks.push({
      keyword,
      labels: [...labels.matchAll(/"([^"]*)"/g)].map(([, label = '']) => label),
      body: text.slice(index + header.length, end - 1),
    })
  }
  return blocks
}

/** The strings that an expression or a body holds. */
export const stringsIn = (hcl: string): string[] =>
  [...withoutComments(hcl).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text)

const withoutComments = (hcl: string): string =>
  hcl.replace(/("(?:[^"\\\n]|\\.)*")|(?:#|\/\/)[^\n]*|\/\*[\s\S]*?\*\//g, (_, text: string | undefined) => text ?? '')

/** The place behind the brace that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0
  for (const { index, 0: token } of text.slice(open).matchAll(/"(?:[^"\\\n]|\\.)*"|[{}]/g)) {
    if (token === '{') depth += 1
    if (token === '}') depth -= 1
    if (depth === 0) return open + index + 1
  }
  throw new Error(`a brace is not closed: ${text.slice(open, open + 60)}`)
}
