import { redact } from '../runtime/redact.ts'
import { visible } from '../runtime/visible.ts'

/** Markup whose content is already escaped. */
export interface Html {
  html: string
}

type Part = Html | string | number | undefined | readonly (Html | string)[]

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A template that escapes its values unless they are markup; lists are joined, undefined is empty. */
export const html = (pieces: TemplateStringsArray, ...values: Part[]): Html => ({
  html: pieces.reduce((text, piece, index) => text + rendered(values[index - 1]) + piece),
})

function rendered(part: Part): string {
  if (part === undefined) return ''
  if (Array.isArray(part)) return part.map(rendered).join('')
  if (typeof part === 'object') return (part as Html).html
  return visible(redact(String(part))).replace(/[&<>"']/g, character => ENTITIES[character] ?? character)
}
