import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { describeConflicts, importBlocks } from '../../../../lib/model/layer/import-block.ts'

const blocks = suite('importBlocks')
for (const [why, id, expected] of [
  ['plain', 'projects/p/x', '"projects/p/x"'],
  ['quotes', 'a"b', '"a\\"b"'],
  ['backslashes', 'a\\b', '"a\\\\b"'],
  ['a line break', 'a\nb', '"a\\nb"'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is to be escaped
  ['what would be a template', 'a${b}%{c}', '"a$${b}%%{c}"'],
  ['a dollar alone', 'a$b', '"a$b"'],
] as const) {
  blocks(why, () => assert.is(importBlocks([{ address: 'a_b.c', id }]), `import {\n  to = a_b.c\n  id = ${expected}\n}\n`))
}
blocks('several, addresses as Terraform prints them', () =>
  assert.is(
    importBlocks([
      { address: 'module.m["k"].a_b.c[0]', id: 'x' },
      { address: 'a_b.d', id: 'y' },
    ]),
    'import {\n  to = module.m["k"].a_b.c[0]\n  id = "x"\n}\n\nimport {\n  to = a_b.d\n  id = "y"\n}\n',
  ),
)
blocks('none', () => assert.is(importBlocks([]), ''))
blocks.run()

const told = suite('describeConflicts')
told('what exists, the blocks, the warning, and what has no id', () => {
  const { message, hint } = describeConflicts('00-vpc', [
    { address: 'a_b.c', name: 'n', id: 'x' },
    { address: 'module.m.cloudflare_record.this["*"]', name: '' },
  ])
  assert.match(message, '  a_b.c · n')
  assert.match(message, '  module.m.cloudflare_record.this["*"] · name not known')
  assert.match(hint, 'Importing it makes it this tree’s')
  assert.match(hint, 'import {\n  to = a_b.c\n  id = "x"\n}')
  assert.match(hint, 'module.m.cloudflare_record.this["*"] has the form that the documentation of cloudflare_record gives')
})
told.run()
