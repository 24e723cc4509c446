import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import { isRead, leafKeys, readsOf } from './configuration-keys.ts'

const schema = z.strictObject({
  name: z.string(),
  snapshots: z.strictObject({ after: z.array(z.string()) }),
  access: z.strictObject({ ssh: z.strictObject({ user: z.string() }) }).optional(),
  services: z.record(z.string(), z.strictObject({ folder: z.string().default('.') })),
  spec: z.record(z.string(), z.unknown()).default({}),
})

const leaves = suite('the keys of a schema')
leaves('those that hold no others, at any depth, and through maps', () => {
  assert.equal(
    leafKeys(schema).map(({ path }) => path),
    ['name', 'snapshots.after', 'access.ssh.user', 'services.folder', 'spec'],
  )
})
leaves.run()

const readers = suite('what reads a key')
for (const { why, text, read } of [
  { why: 'its path', text: 'f(environment.snapshots.after)', read: ['snapshots.after'] },
  { why: 'its path from elsewhere', text: 'operation.environment.access?.ssh.user.length', read: ['access.ssh.user'] },
  { why: 'a pattern', text: 'const { user } = environment.access.ssh', read: ['access.ssh.user'] },
  {
    why: 'a pattern in a pattern',
    text: 'const { name, snapshots: { after } } = environment',
    read: ['name', 'snapshots.after'],
  },
  { why: 'a parameter', text: 'const f = ({ snapshots: { after } }: Environment) => after', read: ['snapshots.after'] },
  { why: 'a parameter’s part', text: 'f(({ environment: { name } }) => name)', read: ['name'] },
  { why: 'a variable', text: 'const access = environment.access\ng(access.ssh.user)', read: ['access.ssh.user'] },
  { why: 'another name', text: 'const { snapshots: when } = environment\nwhen.after', read: ['snapshots.after'] },
  { why: 'the part that is handed on, and the name', text: 'f(environment.snapshots)\nx.after', read: ['snapshots.after'] },
  { why: 'a spread', text: '({ ...environment.snapshots })\nconst { after } = x', read: ['snapshots.after'] },
  { why: 'a key in a variable', text: "if (!environment.snapshots[key]) f('after')", read: ['snapshots.after'] },
  { why: 'a map', text: 'Object.values(environment.services).map(({ folder }) => folder)', read: ['services.folder'] },
]) {
  readers(why, () => assert.equal(readIn(text), read))
}
for (const { why, text } of [
  { why: 'the same name of something else', text: 'f(client.snapshots.after)' },
  { why: 'the part that is handed on', text: 'f(environment.snapshots)' },
  { why: 'the name', text: 'f(x.after)' },
  { why: 'whether the part is there', text: 'if (!environment.access) return user.ssh.user' },
  { why: 'the whole configuration', text: 'f(environment)\nx.after' },
  { why: 'a comment', text: '/**\n * environment.snapshots.after\n */\n// environment.name\nf() // environment.name' },
]) {
  readers(`not ${why}`, () => assert.equal(readIn(text), []))
}
readers.run()

function readIn(text: string): string[] {
  const reads = readsOf(text)
  return leafKeys(schema)
    .filter(key => isRead(key, reads, text))
    .map(({ path }) => path)
}
