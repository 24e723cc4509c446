/** What expressions of a workflow may refer to, as far as it is known before a run. */
export type Known = Readonly<Record<string, unknown>>

const EXPRESSION = /\$\{\{\s*([\s\S]*?)\s*\}\}/g

/** Whether a text still has expressions that only a run can resolve. */
export const isOpen = (text: string): boolean => /\$\{\{/.test(text)

/** The text with those expressions replaced that are paths to something known; all others stay as they are. */
export function resolved(value: unknown, known: Known): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') return typeof value === 'object' ? JSON.stringify(value) : String(value)
  return value.replace(EXPRESSION, (whole, path: string) => {
    const found = path.split('.').reduce<unknown>((at, name) => (at as Known | undefined)?.[name], known)
    return ['string', 'number', 'boolean'].includes(typeof found) ? String(found) : whole
  })
}

/** The path of a text that is one expression and nothing else: `steps.meta.outputs.tags`. */
export const onlyPath = (text: string): string | undefined => /^\s*\$\{\{\s*([\w.-]+)\s*\}\}\s*$/.exec(text)?.[1]
