import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { type Draft, draftText, set } from '../../../../lib/model/draft/file.ts'

const draft: Draft = {
  content: {
    schema: 'threads-ops/environment/1',
    name: 'prod',
    terraform: { directory: '../app/terraform', layers: ['00-vpc', '01-k8s'] },
    access: { ssh: { user: 'ops' } },
  },
  gaps: [
    { path: ['access', 'vm'], example: { name: 'VM' }, why: 'No output names the VM.' },
    { path: ['access', 'kubernetes', 'port'], example: 16443, why: 'No port.' },
    { path: ['k0s'], example: { version: 'v1.34.3+k0s.0' }, why: 'The VM does not answer.' },
  ],
  notes: [{ key: 'terraform', text: 'Check the order.' }],
}

const files = suite("a draft's file")
files('what is found is there, what is not is a comment in its place', () => {
  assert.is(
    draftText(draft, 'Environment prod.'),
    `# Environment prod.
schema: threads-ops/environment/1
name: prod

# Check the order.
terraform:
  directory: ../app/terraform
  layers: [ 00-vpc, 01-k8s ]

access:
  ssh:
    user: ops
  # No output names the VM.
  # vm:
  #   name: VM
  # No port.
  # kubernetes:
  #   port: 16443

# The VM does not answer.
# k0s:
#   version: v1.34.3+k0s.0
`,
  )
})
files('without its comment signs an example is what it stands for', () => {
  const text = draftText(draft, 'x')
  const filled = text.replaceAll(/^( *)# (?=(k0s|vm|kubernetes| {2}\w+):)/gm, '$1')
  assert.equal(parse(filled).access.vm, { name: 'VM' })
  assert.equal(parse(filled).k0s, { version: 'v1.34.3+k0s.0' })
})
for (const [what, path, value, expected, gaps] of [
  ['a key that was missing', 'access.vm', '{ name: a }', { ssh: { user: 'ops' }, vm: { name: 'a' } }, 2],
  ['one below it', 'access.vm.name', 'a', { ssh: { user: 'ops' }, vm: { name: 'a' } }, 3],
  ['one above it', 'access', '{ ssh: { user: b } }', { ssh: { user: 'b' } }, 1],
  ['one that was found', 'access.ssh.user', '"1"', { ssh: { user: '1' } }, 3],
] as const) {
  files(`a line that is given: ${what}`, () => {
    const changed = set(draft, path.split('.'), value)
    assert.equal(changed.content.access, expected)
    assert.is(changed.gaps.length, gaps)
    assert.equal(draft.content.access, { ssh: { user: 'ops' } }, 'the draft itself stays')
  })
}
for (const path of ['__proto__.x', 'access.__proto__.x', '__proto__', 'constructor.x', 'toString']) {
  files(`what every object inherits is a key like others: ${path}`, () => {
    const { content } = set(draft, path.split('.'), '{ y: 5 }')
    assert.is(({} as { x?: unknown }).x, undefined)
    const said = parse(draftText({ content, gaps: [], notes: [] }, 'x'))
    assert.match(JSON.stringify(said), path.split('.')[0] === 'access' ? '"__proto__":{"x"' : `"${path.split('.')[0]}":`)
  })
}
files.run()
