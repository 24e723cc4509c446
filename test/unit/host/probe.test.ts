import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sOn } from '../../../lib/host/k0s.ts'
import { probe, probeReadiness } from '../../../lib/host/probe.ts'
import type { Command } from '../../../lib/host/quote.ts'
import type { Host } from '../../../lib/host/ssh.ts'
import { factsFrom } from '../../../lib/model/k0s/facts.ts'
import { failureOf } from '../support/layers.ts'

const PRINTED = readFileSync(new URL('bashrc-prints.txt', import.meta.url), 'utf8')
const JSON_LINE = PRINTED.split('\n')[1] ?? ''
const printing = (stdout: string) => ({ name: 'vm', run: async () => ({ stdout, stderr: '', code: 0 }) }) as unknown as Host

const probes = suite('a probe of a host whose login shell prints')
for (const [why, stdout] of [
  ['a line before', PRINTED],
  ['nothing', JSON_LINE],
  ['words without a line’s end', `hello ${JSON_LINE}`],
  ['a brace', `{welcome} ${JSON_LINE}`],
  ['a line after', `${JSON_LINE}\nbye {"a": 1}`],
] as const) {
  probes(why, async () => {
    const { answers } = await probe(printing(stdout))
    assert.equal(answers, { clock: '1767225600000', sudo: 'yes', architecture: 'x86_64' })
    assert.is((await probeReadiness(printing(stdout))).answers.sudo, 'yes')
  })
}
for (const stdout of ['', 'This account is not available.\n', '{"a": 1}', JSON_LINE.slice(0, 40)]) {
  probes(`no answer at all: ${stdout}`, async () => {
    const { code, message } = await failureOf(probe(printing(stdout)))
    assert.is(code, 4)
    assert.match(message, 'login shell')
  })
}
probes('a backup’s path, a kubeconfig', async () => {
  const k0s = k0sOn(printing('Welcome!\n/var/lib/backup/k0s_backup_1.tar.gz\n'))
  assert.is(await k0s.backUp('/var/lib/backup'), '/var/lib/backup/k0s_backup_1.tar.gz')
  assert.is(
    await k0sOn(printing('Welcome: you\napiVersion: v1\nkind: Config\n')).adminKubeconfig(),
    'apiVersion: v1\nkind: Config\n',
  )
})
probes.run()

/** Says its arguments once two of its kind run at the same time; `alone` when that does not come to pass. */
const MEETS = `#!/bin/sh
folder=$(dirname "$0")
: > "$folder/began.$$"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  [ "$(ls "$folder" | grep -c began)" -ge 2 ] && { echo "together: $*"; exit; }
  sleep 0.1
done
echo alone
rm "$folder/began.$$"
`

const together = suite('a probe asks k0s everything at the same time')
let folder = ''
/** With k0s's files in a folder of ours. */
function ours(command: Command): { script: string; args: string[] } {
  const { script, args } = command as { script: string; args: string[] }
  const moved = (text: string) =>
    Object.entries({ '/usr/local/bin/k0s': 'k0s', '/run/k0s': 'k0s.run', '/etc/systemd/system': 'system' }).reduce(
      (before, [path, name]) => before.replaceAll(path, join(folder, name)),
      text,
    )
  return { script: moved(script), args: args.map(moved) }
}
/** This machine, with a k0s of our own. */
const here = () =>
  ({
    name: 'vm',
    async run(command: Command) {
      const { script = '', args = [] } = ours(command)
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
      return { ...(await promisify(execFile)('sh', ['-c', script, 'sh', ...args], { env })), code: 0 }
    },
  }) as unknown as Host
together.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'probe-'))
})
together.after.each(() => rm(folder, { recursive: true, force: true }))
const k0s = (text: string) => writeFile(join(folder, 'k0s'), text, { mode: 0o755 })

together('readiness', async () => {
  await k0s(MEETS)
  const { answers } = await probeReadiness(here())
  assert.equal(Object.keys(answers).sort(), ['objects', 'readyz'])
  assert.is(answers.readyz, 'together: kubectl get --raw=/readyz')
  assert.match(answers.objects ?? '', /^together: kubectl get namespaces,nodes/)
})
together('each answer stays whole, longer than a pipe holds', async () => {
  await k0s(`#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' "$(echo "$*" | grep -q readyz && echo r || echo o)"\n`)
  const { answers } = await probeReadiness(here())
  assert.equal([answers.readyz, answers.objects], ['r'.repeat(200_000), 'o'.repeat(200_000)])
})
together('one that fails has an empty answer', async () => {
  await k0s(`#!/bin/sh\necho "$*" | grep -q readyz && exit 1\necho there\n`)
  assert.equal((await probeReadiness(here())).answers, { readyz: '', objects: 'there' })
})
together.run()

const versions = suite('the version of the binary is asked for only where it is not the process’s')
versions.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'probe-'))
})
versions.after.each(() => rm(folder, { recursive: true, force: true }))
const STATUS = JSON.stringify({ Version: 'v1.34.1+k0s.0', Role: 'controller' })
interface Found {
  status?: string
  changedLater?: boolean
  program?: string
}
for (const [what, { status = STATUS, changedLater = false, program = join('$', 'k0s') }, isAsked] of [
  ['a process of this binary', {}, false],
  ['a binary that was changed since', { changedLater: true }, true],
  ['a process of another binary', { program: '/opt/k0s' }, true],
  ['a process of one whose name begins alike', { program: join('$', 'k0s-2') }, true],
  ['a k0s that does not say its status', { status: '' }, true],
  ['one that says something else', { status: 'k0s is starting' }, true],
] as [string, Found, boolean][]) {
  versions(what, async () => {
    const answer = `case $1 in version) echo asked ;; status) echo '${status}' ;; esac`
    await k0s(`#!/bin/sh\n${answer}\n`)
    await mkdir(join(folder, 'system'))
    const unit = `ExecStart=${program.replace('$', folder)} controller --single=true\n`
    await writeFile(join(folder, 'system/k0scontroller.service'), unit)
    await mkdir(join(folder, 'k0s.run'))
    // The file system's clock is a coarse one.
    await sleep(30)
    const server = createServer().listen(join(folder, 'k0s.run/status.sock'))
    await once(server, 'listening')
    if (changedLater) await k0s(`#!/bin/sh\n${answer} # changed\n`)
    const { answers } = await probe(here())
    server.close()
    assert.is(answers.binaryVersion, isAsked ? 'asked' : undefined)
    assert.is(answers.status, status)
    assert.match(answers.binarySha256 ?? '', /^[0-9a-f]{64}$/)
    const { binary } = factsFrom({ answers, askedAt: 0, answeredAt: 0 }).k0s
    assert.is(binary?.version, isAsked ? 'asked' : 'v1.34.1+k0s.0')
  })
}
versions.run()
