import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { root } from '../../../lib/runtime/files.ts'
import { identityOf } from '../../../lib/runtime/processes.ts'
import { isLeft, temporaryName, withTemporary } from '../../../lib/runtime/temporary.ts'

const BOOT = '01234567-89ab-cdef-0123-456789abcdef'
const self = { pid: 10, startTime: '500', space: `${BOOT} pid:[1]` }
const lives = (pid: number) => pid < 100
const named = (changes: Partial<typeof self>) => `${temporaryName('clone', { ...self, ...changes })}Ab12Cd`

const left = suite('isLeft')
for (const [why, name, expected] of [
  ['this run’s', named({}), false],
  ['a living run’s', named({ pid: 11 }), false],
  ['a dead run’s', named({ pid: 111 }), true],
  ['one of an earlier boot', named({ pid: 11, space: `f${BOOT.slice(1)} pid:[1]` }), true],
  ['one of another container, whose processes can’t be seen', named({ pid: 111, space: `${BOOT} pid:[2]` }), false],
  ['one of a run that could not tell its boot', named({ pid: 111, space: '' }), false],
  ['one that says no run', 'threads-ops-clone-Ab12Cd', false],
  ['one of another purpose', named({ pid: 111 }).replace('clone', 'other'), false],
  ['a stranger’s', 'systemd-private-111-500-x', false],
] as const) {
  left(why, () =>
    assert.is(
      isLeft('clone', name, self.space, ({ pid }) => lives(pid)),
      expected,
    ),
  )
}
left('where the platform tells no boot, the pid alone', () => {
  const name = (pid: number) => `${temporaryName('clone', { pid, startTime: '', space: undefined })}Ab12Cd`
  assert.is(
    isLeft('clone', name(111), undefined, ({ pid }) => lives(pid)),
    true,
  )
  assert.is(
    isLeft('clone', name(11), undefined, ({ pid }) => lives(pid)),
    false,
  )
})
left.run()

const temporary = suite('withTemporary')
const home = mkdtempSync(join(tmpdir(), 'temporary-test-'))
temporary.after(() => rmSync(home, { recursive: true, force: true }))

temporary('a killed run’s folder is removed by the next one, nobody else’s is', async () => {
  const module = join(root, 'lib/runtime/temporary.ts')
  const script = `import { withTemporary } from ${JSON.stringify(module)}
    await withTemporary('clone', async () => { console.log('made'); await new Promise(() => setInterval(() => {}, 1000)) }, ${JSON.stringify(home)})`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const [made = ''] = readdirSync(home)
  mkdirSync(join(home, 'threads-ops-clone-strange'))
  await withTemporary('clone', async () => assert.ok(existsSync(join(home, made)), 'its run lives'), home)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await withTemporary(
    'clone',
    async folder => {
      assert.not(existsSync(join(home, made)))
      assert.ok(folder.startsWith(join(home, temporaryName('clone', identityOf(process.pid)))))
    },
    home,
  )
  assert.equal(readdirSync(home), ['threads-ops-clone-strange'])
})
temporary.run()
