/** What a workflow's expressions can refer to, as far as it is known before a run. */
export type Known = Readonly<Record<string, unknown>>

const EXPRESSION = /\$\{\{\s*([\s\S]*?)\s*\}\}/g

/** Whether a text still contains expressions, which only a run can resolve. */
export const isOpen = (text: string): boolean => /\$\{\{/.test(text)

/** The text with every expression replaced that is a path to something known; all others stay. */
export function resolved(value: unknown, known: Known): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') return typeof value === 'object' ? JSON.stringify(value) : String(value)
  return value.replace(EXPRESSION, (whole, path: string) => {
    const found = path.split('.').reduce<unknown>((at, name) => (at as Known | undefined)?.[name], known)
    return ['string', 'number', 'boolean'].includes(typeof found) ? String(found) : whole
  })
}

/** The path in a text that is a single expression and nothing else: `steps.meta.outputs.tags`. */
export const onlyPath = (text: string): string | undefined => /^\s*\$\{\{\s*([\w.-]+)\s*\}\}\s*$/.exec(text)?.[1]
