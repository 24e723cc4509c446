/** What `${{ … }}` can refer to: `github`, `env`, `matrix`, `vars`, `secrets`, `steps`. */
export type Contexts = Record<string, unknown>

/** Something in a workflow that this runner does not support; it may well work on GitHub. */
export class NotUnderstood extends Error {}

const EXPRESSION = /\$\{\{([\s\S]*?)\}\}/g

/** The text with its expressions replaced. @throws NotUnderstood for more than paths, literals and `||` */
export function interpolate(text: string, contexts: Contexts): string {
  return text.replace(EXPRESSION, (_, expression: string) => toText(evaluate(expression, contexts)))
}

/** A value as an action's input gets it: always text. */
export const inputText = (value: unknown, contexts: Contexts): string =>
  typeof value === 'string' ? interpolate(value, contexts) : toText(value)

const toText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** https://docs.github.com/en/actions/reference/workflows-and-actions/expressions */
function evaluate(expression: string, contexts: Contexts): unknown {
  let value: unknown
  for (const alternative of expression.split('||')) {
    value = operand(alternative.trim(), contexts)
    if (isTruthy(value)) return value
  }
  return value
}

const isTruthy = (value: unknown): boolean => ![undefined, null, false, 0, ''].includes(value as never)

function operand(text: string, contexts: Contexts): unknown {
  const literal = /^'((?:[^']|'')*)'$/.exec(text)?.[1]
  if (literal !== undefined) return literal.replaceAll("''", "'")
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  if (!/^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*|\['[^']+'\])*$/.test(text)) throw new NotUnderstood(`expression "${text}"`)
  const path = text.split(/\.|\['|'\]\.?/).filter(Boolean)
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], contexts)
}
