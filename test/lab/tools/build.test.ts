import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ensureTools, type Progress, unitsOf } from '../../../lab/tools/build.ts'
import { groupDirectory, type Program } from '../../../lab/tools/catalog.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'tools-'))
const pins = join(folder, 'pins')
const goLog = join(folder, 'go.log')

/** A Go that needs no module proxy: `build -o DIR/ PATH…` makes a file for each path, slowly while `slow` exists. */
const fakeGo = `#!/bin/sh
if [ "$1" = env ]; then echo go1.26.8; exit; fi
echo "$@" >>${goLog}
while [ "$1" != -o ]; do shift; done
out=$2; shift 2
[ ! -e ${folder}/broken ] || { echo 'cannot find module' >&2; exit 1; }
for path in "$@"; do
  echo half >"$out/\${path##*/}"
  while [ -e ${folder}/slow ]; do sleep 0.05; done
  echo whole >"$out/\${path##*/}"
done
`

const program = (name: string, more: Partial<Program> = {}): Program => ({
  name,
  group: 'tiny',
  package: `example.com/${name}`,
  module: 'example.com/tiny',
  seconds: 1,
  ...more,
})
const tiny = [program('one'), program('two')]
const target = () => groupDirectory('tiny', pins)
const calls = () => (existsSync(goLog) ? readFileSync(goLog, 'utf8').trim().split('\n').length : 0)

const builds = suite('ensureTools')

builds.before(() => {
  mkdirSync(join(pins, 'tiny'), { recursive: true })
  writeFileSync(join(pins, 'tiny/go.mod'), 'module tiny\n\nrequire example.com/tiny v1.2.3\n')
  writeFileSync(join(pins, 'tiny/go.sum'), '')
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/go'), fakeGo)
  chmodSync(join(folder, 'bin/go'), 0o755)
  process.env.PATH = `${join(folder, 'bin')}:${process.env.PATH}`
})
builds.before.each(() => {
  process.env.THREADS_OPS_TOOLS = mkdtempSync(join(folder, 'cache-'))
  rmSync(goLog, { force: true })
})
builds.after(() => rmSync(folder, { recursive: true }))

builds('one call of Go for programs of one group, and none the second time', async () => {
  assert.equal(await ensureTools({ programs: tiny, pins }), ['one', 'two'])
  assert.equal(await ensureTools({ programs: tiny, pins }), [])
  assert.is(calls(), 1)
  assert.is(readFileSync(join(target(), 'one'), 'utf8'), 'whole\n')
  const manifest = JSON.parse(readFileSync(join(target(), 'manifest.json'), 'utf8'))
  assert.is(manifest.one.version, 'v1.2.3')
  assert.match(manifest.one.sha256, /^[0-9a-f]{64}$/)
})

builds('other linker flags take a call of their own, and the order is kept', () => {
  const units = unitsOf([program('a'), program('b', { ldflags: '-X c=d' }), program('c', { ldflags: '-X c=d' }), program('d')])
  assert.equal(
    units.map(unit => unit.map(({ name }) => name)),
    [['a'], ['b', 'c'], ['d']],
  )
})

builds('a failed build says why and leaves no program', async () => {
  writeFileSync(join(folder, 'broken'), '')
  try {
    await ensureTools({ programs: tiny, pins })
    assert.unreachable()
  } catch (error) {
    assert.instance(error, OpsError)
    assert.is((error as OpsError).code, 5)
    assert.match((error as OpsError).message, /cannot find module/)
  } finally {
    rmSync(join(folder, 'broken'))
  }
  assert.not(existsSync(join(target(), 'one')))
})

builds('two at once build once', async () => {
  const [first, second] = await Promise.all([ensureTools({ programs: tiny, pins }), ensureTools({ programs: tiny, pins })])
  assert.is(first.length + second.length, 2)
  assert.is(calls(), 1)
})

builds('a builder killed in the middle leaves nothing half, and its lock is taken over', async () => {
  writeFileSync(join(folder, 'slow'), '')
  const script = `
    const { ensureTools } = await import('${new URL('../../../lab/tools/build.ts', import.meta.url)}')
    await ensureTools({ programs: ${JSON.stringify(tiny)}, pins: '${pins}' })`
  const victim = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
  await waitFor({
    what: 'the build to begin',
    within: 5000,
    every: 20,
    probe: async () => existsSync(join(`${target()}.partial`, 'one')) || undefined,
  })

  const seen: Progress['state'][] = []
  const waiting = ensureTools({ programs: tiny, pins, report: ({ state }) => seen.push(state) })
  await waitFor({ what: 'the other to wait', within: 5000, every: 20, probe: async () => seen.length > 0 || undefined })
  assert.is(seen[0], 'waiting for another build')

  victim.kill('SIGKILL')
  rmSync(join(folder, 'slow'))
  assert.equal(await waiting, ['one', 'two'])
  assert.is(readFileSync(join(target(), 'one'), 'utf8'), 'whole\n')
  const left = readdirSync(process.env.THREADS_OPS_TOOLS ?? '').filter(name => /partial|lock/.test(name))
  assert.equal(left, [])
})

builds.run()
