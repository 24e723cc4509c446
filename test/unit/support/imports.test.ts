import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { circleThrough, importsOf } from './imports.ts'

const parsing = suite('every import of the checkout counts')
const b = { target: 'lib/b.ts', isType: false }
for (const { why, text, found } of [
  { why: 'a value', text: "import { b } from './b.ts'", found: [b] },
  { why: 'types alone', text: "import type { B } from './b.ts'", found: [{ ...b, isType: true }] },
  { why: 'a type among values', text: "import { type B, b } from './b.ts'", found: [b] },
  { why: 'several lines', text: "import {\n  b,\n  c,\n} from './b.ts'", found: [b] },
  { why: 'handed on', text: "export { b } from './b.ts'\nexport * from './b.ts'", found: [b, b] },
  { why: 'for what it does', text: "import './b.ts'", found: [b] },
  { why: 'when needed', text: "  const { b } = await import('./b.ts')", found: [b] },
  { why: 'inside a type', text: "let b: import('./b.ts').B", found: [b] },
  { why: 'a package and Node', text: "import { z } from 'zod'\nimport { join } from 'node:path'", found: [] },
  { why: 'the next statement', text: "export const a = 'a'\nimport { b } from './b.ts'", found: [b] },
]) {
  parsing(why, () => assert.equal(importsOf('lib/a.ts', text), found))
}
parsing.run()

const circles = suite('the shortest circle through a file')
for (const { why, edges, circle } of [
  { why: 'none', edges: ['ab', 'bc', 'ac'], circle: undefined },
  { why: 'itself', edges: ['aa'], circle: 'aa' },
  { why: 'two', edges: ['ab', 'ba'], circle: 'aba' },
  { why: 'three', edges: ['ab', 'bc', 'ca'], circle: 'abca' },
  { why: 'the shorter of two', edges: ['ab', 'bc', 'ca', 'ad', 'da'], circle: 'ada' },
  { why: 'one that the file only leads to', edges: ['ab', 'bc', 'cb'], circle: undefined },
]) {
  circles(why, () => {
    const imports = Map.groupBy(edges, ([from = '']) => from)
    const graph = new Map([...imports].map(([from, all]) => [from, all.map(([, to = '']) => to)]))
    assert.is(circleThrough('a', graph)?.join(''), circle)
  })
}
circles.run()
