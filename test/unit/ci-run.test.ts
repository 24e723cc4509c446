import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { root } from '../../lib/runtime/files.ts'
import { isRunning } from '../../lib/runtime/processes.ts'
import { waitFor } from '../../lib/runtime/wait.ts'

/** A tree whose tests make a folder and a process, and clear them away when they are told to end, which takes them a moment. */
const TASKW = `#!/bin/sh
echo "$*" >>verbs
case $1 in
  check | test)
    [ "$1" = "$(cat hangs)" ] || { echo '3 passed, 0 failed'; exit 0; }
    mkdir "$TMPDIR/lab"
    sleep 600 &
    made=$!
    end() { echo told >>told; sleep 0.3; kill $made; rmdir "$TMPDIR/lab"; echo '1 passed, 1 failed'; exit 130; }
    trap end TERM HUP
    echo "$made $TMPDIR" >begun
    while :; do wait $made; done ;;
esac
`

/** What a busy machine takes for what is done within a second. */
const SOON_MS = 30_000

const folders: string[] = []
function start(hangs: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ci-'))
  folders.push(folder)
  mkdirSync(join(folder, '.ci'))
  cpSync(join(root, '.ci/run'), join(folder, '.ci/run'))
  writeFileSync(join(folder, 'taskw'), TASKW, { mode: 0o755 })
  writeFileSync(join(folder, 'hangs'), hangs)
  const child = spawn(join(folder, '.ci/run'), { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data))
  const over = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), SOON_MS)
  const ended = once(child, 'close').then(([code]) => {
    clearTimeout(over)
    return { code, said }
  })
  const linesOf = (name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean) : []
  const begun = async () => {
    const [line] = await waitFor({
      what: 'the tests to begin',
      within: SOON_MS,
      every: 20,
      probe: async () => (linesOf('begun').length > 0 ? linesOf('begun') : undefined),
    })
    const [pid, temporary = ''] = (line ?? '').split(' ')
    return { pid: Number(pid), temporary }
  }
  return { child, ended, begun, linesOf }
}

const ends = suite('.ci/run')
ends.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  for (const during of ['check', 'test']) {
    for (const whom of ['it alone', 'its whole group'] as const) {
      ends(
        `${signal} to ${whom} during ${during}: what was made is cleared away by who made it, and then it ends`,
        async () => {
          const { child, ended, begun, linesOf } = start(during)
          const { pid, temporary } = await begun()
          // Somebody else's, of the same kind.
          const other = spawn('sleep', ['600'])
          // Of an interrupt, what runs in the background does not hear by itself.
          process.kill(whom === 'it alone' ? (child.pid ?? 0) : -(child.pid ?? 0), signal)
          const { code, said } = await ended
          assert.is(code, 130, said)
          assert.ok(linesOf('told').length > 0, said)
          assert.not(isRunning(pid))
          assert.not(existsSync(temporary))
          assert.ok(isRunning(other.pid ?? 0))
          other.kill()
          assert.is(linesOf('verbs').includes('test'), during === 'test')
          if (during === 'test') assert.match(said, /^1 passed, 1 failed$/m)
        },
      )
    }
  }
}
ends('nobody ends it: the exit code is that of the tests, and what they said is shown', async () => {
  const { ended, linesOf } = start('none')
  const { code, said } = await ended
  assert.is(code, 0, said)
  assert.match(said, /3 passed, 0 failed\n.*3 passed, 0 failed/s)
  assert.equal(linesOf('verbs'), ['check', 'test', 'lab:down'])
})
ends.run()
