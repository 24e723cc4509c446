import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sOn } from '../../../lib/host/k0s.ts'
import { probe, probeReadiness } from '../../../lib/host/probe.ts'
import type { Host } from '../../../lib/host/ssh.ts'
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
