import { redact } from '../runtime/redact.ts'
import { inOneLine } from '../runtime/visible.ts'

/** Markup whose content is already escaped. */
export interface Markdown {
  markdown: string
}

type Part = Markdown | string | number

/** Text in GitHub-flavoured Markdown, on one line and nothing but text, also in a cell of a table. */
export const escapedMarkdown = (text: string): string =>
  inOneLine(redact(text))
    .replace(/[\\`*[\]<>|~]/g, '\\$&')
    .replaceAll('&', '&amp;')

const rendered = (part: Part): string => (typeof part === 'object' ? part.markdown : escapedMarkdown(String(part)))

/** A template that escapes its values unless they are markup. */
export const markdown = (pieces: TemplateStringsArray, ...values: Part[]): Markdown => ({
  markdown: pieces.reduce((text, piece, index) => text + rendered(values[index - 1] ?? '') + piece),
})

/** Text as code: fenced by more backticks than it has in a row. https://github.github.com/gfm/#code-spans */
export function code(text: string): Markdown {
  const shown = inOneLine(redact(text)).replaceAll('|', '\\|')
  const longest = Math.max(0, ...(shown.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  return { markdown: longest > 0 ? `${fence} ${shown} ${fence}` : `${fence}${shown}${fence}` }
}

/** A heading and a table under it. */
export function section(title: string, heading: string[], rows: Part[][]): Markdown {
  const name = escapedMarkdown(title)
  if (rows.length === 0) return { markdown: `## ${name}\n\nNone.\n` }
  const lines = [heading, heading.map((): Part => ({ markdown: '---' })), ...rows].map(row => row.map(rendered))
  return { markdown: [`## ${name}`, '', ...lines.map(line => `| ${line.join(' | ')} |`), ''].join('\n') }
}
