import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { root } from '../../../../lib/runtime/files.ts'

const list = suite('snapshot:list')
for (const [layer, said] of [
  ['nope', 'one of: 00-vpc, 01-k8s'],
  ['01-k8', 'did you mean "01-k8s"'],
  ['', 'no such layer'],
  ['__proto__', 'no such layer: __proto__'],
] as const) {
  list(`--layer ${layer || "''"} is exit code 2, before anything is asked`, () => {
    const script = join(root, 'scripts/snapshot/list.ts')
    const { status, stderr } = spawnSync(process.execPath, [script, '--env', 'prod', '--layer', layer], { encoding: 'utf8' })
    assert.is(status, 2, stderr)
    assert.match(stderr, said)
  })
}
list('--clean without --orphans is exit code 2', () => {
  const script = join(root, 'scripts/snapshot/list.ts')
  const { status, stderr } = spawnSync(process.execPath, [script, '--env', 'prod', '--clean'], { encoding: 'utf8' })
  assert.is(status, 2, stderr)
  assert.match(stderr, 'add --orphans')
})
list.run()
