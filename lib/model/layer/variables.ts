/**
 * Those of the names that a root's files declare as variables, in either syntax.
 * @param files texts by their names
 */
export function declaredVariables(names: readonly string[], files: ReadonlyMap<string, string>): string[] {
  const declared = [...files].flatMap(([file, text]) => (file.endsWith('.json') ? declaredInJson(text) : declaredInHcl(text)))
  return names.filter(name => declared.includes(name))
}

/** A comment at most stands between two tokens; what a comment or a text declares is taken for declared, which does no harm. */
const declaredInHcl = (text: string): string[] =>
  [...text.matchAll(/^[ \t]*variable[ \t]+(?:"([^"\n]+)"|([\w-]+))[ \t]*\{/gm)].map(([, quoted, bare]) => quoted ?? bare ?? '')

function declaredInJson(text: string): string[] {
  try {
    const { variable } = JSON.parse(text) as { variable?: unknown }
    const blocks = Array.isArray(variable) ? variable : [variable ?? {}]
    return blocks.flatMap((block: unknown) => Object.keys(block ?? {}))
  } catch {
    // Terraform says what is wrong with it.
    return []
  }
}
