import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findOnPath } from '../../lab/tools/path.ts'
import { root } from '../../lib/runtime/files.ts'
import { isRunning } from '../../lib/runtime/processes.ts'

const ENDING = join(import.meta.dirname, 'support/ending.ts')
/** What a busy machine takes for what is done within a second. */
const SOON_MS = 30_000

const folder = mkdtempSync(join(tmpdir(), 'taskw-'))
const lock = join(folder, 'lock')
/** A program to which each interrupt is news: after one it ends a second later. */
const counting = join(folder, 'counting.sh')
makeCheckout()

/** As much of a checkout as taskw looks at. */
function makeCheckout(): void {
  const tasks = {
    waits: [`'${process.execPath} ${ENDING} ${lock} waits'`],
    nested: ["'./taskw waits'"],
    'slow-to-begin': [`'sleep 0.5'`, `'${process.execPath} ${ENDING} ${lock} waits'`],
    says: ["'echo it says so'"],
    fails: ["'exit 6'"],
    script: [`'${process.execPath} scripts/ending.ts ${lock} waits'`],
    counts: [`'sh ${counting} ${lock}'`],
    reads: ['\'read -r line; echo "it read $line"\''],
  }
  const lines = Object.entries(tasks).map(([name, cmds]) => `  ${name}: { silent: true, cmds: [${cmds.join(', ')}] }`)
  writeFileSync(join(folder, 'Taskfile.yml'), ["version: '3'", 'tasks:', ...lines].join('\n'))
  for (const name of ['taskw', 'package-lock.json', 'bootstrap'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  mkdirSync(join(folder, 'scripts'))
  symlinkSync(ENDING, join(folder, 'scripts/ending.ts'))
  const loop = 'i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done'
  writeFileSync(counting, `trap 'echo interrupted; if [ $i -lt 590 ]; then i=590; fi' INT; echo $$ >"$1"; ${loop}`)
  mkdirSync(join(folder, 'node_modules'))
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), '')
  mkdirSync(join(folder, '.tools/bin'), { recursive: true })
  for (const program of ['node', 'task']) symlinkSync(join(root, '.tools/bin', program), join(folder, '.tools/bin', program))
  writeFileSync(join(folder, '.tools/ready'), '')
}

/** The shells of this machine, each once. */
const shells = [['sh'], ['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([program = ''], index, all) => {
  const place = findOnPath(program)
  if (place === undefined) return false
  const before = all.slice(0, index).map(([other = '']) => findOnPath(other))
  return !before.some(other => other !== undefined && realpathSync(other) === realpathSync(place))
})

/** Of a process group of its own, which `kill PID` does not reach. */
function start(shell: string[], task: string, stdin = ''): { child: ChildProcess; ended: Promise<Ran> } {
  const [program = '', ...options] = shell
  const child = spawn(program, [...options, join(folder, 'taskw'), task], { detached: true, stdio: 'pipe' })
  child.stdin?.on('error', () => undefined).end(stdin)
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', data => (said[name] += data))
  const over = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), SOON_MS)
  const ended = once(child, 'close').then(([code, signal]) => {
    clearTimeout(over)
    return { code, signal, ...said }
  })
  return { child, ended }
}

interface Ran {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

async function begun(): Promise<number> {
  for (let left = SOON_MS; !existsSync(lock) || readFileSync(lock, 'utf8') === ''; left -= 20) {
    assert.ok(left > 0, 'it has not begun')
    await sleep(20)
  }
  return Number(readFileSync(lock, 'utf8'))
}

const ends = suite('taskw passes on what ends it')
ends.after.each(() => rmSync(lock, { force: true }))
ends.after(() => rmSync(folder, { recursive: true }))
for (const shell of shells) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    for (const task of ['waits', 'nested', 'slow-to-begin']) {
      ends(`${shell.join(' ')}, ${task}: kill -${signal} PID`, async () => {
        const { child, ended } = start(shell, task)
        const pid = await begun()
        const began = performance.now()
        child.kill(signal)
        const ran = await ended
        assert.is(ran.code, 130, ran.stderr)
        assert.ok(performance.now() - began < SOON_MS / 3)
        assert.is(ran.stderr.split('letting the current step end cleanly').length, 2, ran.stderr)
        assert.not(existsSync(lock))
        assert.not(isRunning(pid))
      })
    }
    ends(`${shell.join(' ')}: kill -${signal} PID before anything runs`, async () => {
      const { child, ended } = start(shell, 'slow-to-begin')
      await sleep(100)
      child.kill(signal)
      const { code, signal: by } = await ended
      assert.ok(code === 130 || by === signal, `${code} ${by}`)
      assert.not(existsSync(lock))
    })
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    ends(`${shell.join(' ')}: ${signal} to the whole group, as from a terminal`, async () => {
      const { child, ended } = start(shell, 'waits')
      await begun()
      process.kill(-(child.pid ?? 0), signal)
      const ran = await ended
      assert.is(ran.code, 130, ran.stderr)
      assert.is(ran.stderr.split('letting the current step end cleanly').length, 2, ran.stderr)
    })
  }
  ends(`${shell.join(' ')}: kill -INT PID reaches what is no script once`, async () => {
    const { child, ended } = start(shell, 'counts')
    await begun()
    child.kill('SIGINT')
    const { stdout } = await ended
    assert.is(stdout.split('interrupted').length, 2, stdout)
  })
  ends(`${shell.join(' ')}: exit codes are those of the task`, async () => {
    assert.is((await start(shell, 'says').ended).code, 0)
    assert.is((await start(shell, 'fails').ended).code, 6)
  })
  ends(`${shell.join(' ')}: nothing is said but by the task, and its input is ours`, async () => {
    const { stdout, stderr } = await start(shell, 'reads', 'a line\n').ended
    assert.equal([stdout, stderr], ['it read a line\n', ''])
  })
}
if (findOnPath('script')) {
  /** @param act what is typed, or what is done to taskw, once the task has begun */
  const atTerminal = async (task: string, act: string | ((pid: number) => void)) => {
    const own = join(folder, 'pid')
    const child = spawn('script', ['-qec', `sh -c 'echo $$ >${own}; exec ${join(folder, 'taskw')} ${task}'`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const over = setTimeout(() => child.kill('SIGKILL'), SOON_MS)
    let said = ''
    child.stdout.on('data', data => (said += data))
    const ended = once(child, 'close')
    if (task !== 'reads') await begun()
    if (typeof act === 'string') child.stdin.write(act)
    else act(Number(readFileSync(own, 'utf8')))
    const [code] = await ended
    clearTimeout(over)
    return { code, said }
  }
  const interrupt = (pid: number) => process.kill(pid, 'SIGINT')
  for (const [how, task, act] of [
    ['Ctrl-C ends it once', 'waits', '\x03'],
    ['Ctrl-C ends a script once', 'script', '\x03'],
    ['Ctrl-C ends one in a taskw of its own once', 'nested', '\x03'],
    ['kill -INT PID ends a script', 'script', interrupt],
  ] as const) {
    ends(`a terminal: ${how}`, async () => {
      const { code, said } = await atTerminal(task, act)
      assert.is(code, 130, said)
      assert.is(said.split('letting the current step end cleanly').length, 2, said)
    })
  }
  ends('a terminal: Ctrl-C is one interrupt, for what is no script, too', async () => {
    const { said } = await atTerminal('counts', '\x03')
    assert.is(said.split('interrupted').length, 2, said)
  })
  ends('a terminal: what is typed is read', async () => {
    const { code, said } = await atTerminal('reads', 'a line\n')
    assert.is(code, 0, said)
    assert.match(said, 'it read a line')
  })
}
ends.run()
