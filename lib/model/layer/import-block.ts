import type { Adoption, Conflict } from './adoption.ts'
import { typeOf } from './planned.ts'

/** Import blocks for a root's `.tf` files. Addresses are HCL as Terraform prints them. https://developer.hashicorp.com/terraform/language/import */
export const importBlocks = (found: readonly Adoption[]): string =>
  found.map(({ address, id }) => `import {\n  to = ${address}\n  id = ${hclString(id)}\n}\n`).join('\n')

const ESCAPES: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A quoted template without templates: `${` and `%{` would begin one. */
const hclString = (text: string): string =>
  `"${text.replace(/[\\"\n\r\t]/g, character => ESCAPES[character] ?? character).replace(/([$%])\{/g, '$1$1{')}"`

/** What an operator reads when an apply met objects that nothing shows to be of this environment's making. */
export function describeConflicts(layer: string, found: readonly Conflict[]): { message: string; hint: string } {
  const known = found.flatMap(({ address, id }) => (id === undefined ? [] : [{ address, id }]))
  const unknown = found.filter(({ id }) => id === undefined)
  return {
    message: [
      `${layer} would make what exists already, and no journal says that an interrupted run of this environment began to make it:`,
      ...found.map(({ address, name, id }) => `  ${address} · ${name || id || 'name not known'}`),
    ].join('\n'),
    hint: [
      'if it belongs to another tree or to somebody else, give this one another name. Importing it makes it this tree’s: later applies change it, and `down` destroys it. To do so, review this and put it into a .tf file of the layer:',
      ...(known.length > 0 ? ['', importBlocks(known)] : []),
      ...unknown.map(
        ({ address }) => `the import id of ${address} has the form that the documentation of ${typeOf(address)} gives`,
      ),
    ].join('\n'),
  }
}
