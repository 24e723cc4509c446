/** Markup: what is in it is escaped already. */
export interface Html {
  html: string
}

type Part = Html | string | number | undefined | readonly (Html | string)[]

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A template whose values are escaped, unless they are markup themselves; lists are joined, undefined is nothing. */
export const html = (pieces: TemplateStringsArray, ...values: Part[]): Html => ({
  html: pieces.reduce((text, piece, index) => text + rendered(values[index - 1]) + piece),
})

function rendered(part: Part): string {
  if (part === undefined) return ''
  if (Array.isArray(part)) return part.map(rendered).join('')
  if (typeof part === 'object') return (part as Html).html
  return String(part).replace(/[&<>"']/g, character => ENTITIES[character] ?? character)
}
