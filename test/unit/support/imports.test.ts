import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { circleThrough, importsOf, loadedBy, reachedFrom } from './imports.ts'

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

const loading = suite('what is loaded at once')
for (const { why, text, loaded } of [
  { why: 'a value', text: "import { b } from './b.ts'", loaded: ['lib/b.ts'] },
  { why: 'types alone are not', text: "import type { B } from './b.ts'\nexport type { C } from './c.ts'", loaded: [] },
  { why: 'a type among values', text: "import { type B, b } from '../b.ts'", loaded: ['b.ts'] },
  { why: 'several lines', text: "import {\n  b,\n  c,\n} from './b.ts'", loaded: ['lib/b.ts'] },
  { why: 'handed on', text: "export { b } from './b.ts'", loaded: ['lib/b.ts'] },
  { why: 'for what it does', text: "import './b.ts'", loaded: ['lib/b.ts'] },
  { why: 'when needed is not', text: "  const { b } = await import('./b.ts')\n  import('zod')", loaded: [] },
  { why: 'nor inside a type', text: "let b: import('./b.ts').B", loaded: [] },
  { why: 'packages', text: "import { z } from 'zod'\nimport { $ } from 'zx/core'", loaded: ['zod', 'zx'] },
  { why: 'one in a scope', text: "import { V1 } from '@google-cloud/compute/build/v1.js'", loaded: ['@google-cloud/compute'] },
  { why: "Node's own are not", text: "import { join } from 'node:path'", loaded: [] },
]) {
  loading(why, () => assert.equal(loadedBy('lib/a.ts', text), loaded))
}
loading('all that it leads to, by the shortest way', () => {
  const graph = new Map([
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['a', 'd', 'e']],
  ])
  const ways = [...reachedFrom('a', graph)].map(([to, way]) => `${to}: ${way.join('')}`)
  assert.equal(ways, ['a: a', 'b: ab', 'd: ad', 'c: abc', 'e: abce'])
})
loading.run()
