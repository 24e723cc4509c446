import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checked, operatorChecks } from '../../../../lib/phases/operator/checks.ts'
import { isRunning } from '../../../../lib/runtime/processes.ts'
import { waitFor } from '../../../../lib/runtime/wait.ts'

const folder = mkdtempSync(join(tmpdir(), 'threads-ops-checks-'))
const pidFile = join(folder, 'pid')
const never = () => new Promise<never>(() => undefined)

const contextWith = (program: string) =>
  ({
    environment: { terraform: { program }, access: { ssh: {} } },
    endpoints: undefined,
    terraform: { variables: async () => ({}) },
    signal: new AbortController().signal,
    progress: () => undefined,
  }) as unknown as Parameters<typeof checked>[1]
const context = contextWith('terraform')

let programs = 0
/** A Terraform of its own: a program that has just been killed can't be overwritten. */
const running = (script: string) => {
  programs += 1
  const program = join(folder, `terraform-${programs}`)
  writeFileSync(program, `#!/bin/sh\n${script}\n`)
  chmodSync(program, 0o755)
  return contextWith(program)
}

const doctor = suite('doctor looks at this machine')
doctor.after(() => rmSync(folder, { recursive: true }))
const terraform = operatorChecks.find(({ rule }) => rule === 'operator/terraform') as (typeof operatorChecks)[number]

for (const [why, script] of [
  ['says nothing', 'sleep 60'],
  ['talks for ever', 'while :; do echo building >&2; sleep 0.05; done'],
  ['heeds no interrupt', "trap '' INT TERM; sleep 60; sleep 60"],
  ['leaves its work to a child', 'sleep 60 & wait'],
] as const) {
  doctor(`a Terraform that ${why} is ended in time, and is an error with a remedy`, async () => {
    const busy = running(`echo $$ > ${pidFile}\n${script}`)
    const started = performance.now()
    const { severity, message, remedy } = await checked(terraform, busy, 500)
    assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`)
    assert.is(severity, 'error')
    assert.match(message, /Terraform has not answered within 0\.5 s/)
    assert.ok(remedy)
    const pid = Number(readFileSync(pidFile, 'utf8'))
    await waitFor({ what: 'it to be gone', within: 2000, every: 50, probe: async () => !isRunning(pid) || undefined })
  })
}

for (const [why, check] of [
  ['never ends', never],
  [
    'is interrupted for its deadline',
    (_: unknown, signal: AbortSignal) => new Promise<never>((_, no) => signal.addEventListener('abort', no)),
  ],
] as const) {
  doctor(`a check that ${why} is an error in time`, async () => {
    const started = performance.now()
    const { severity, message } = await checked({ rule: 'operator/tide', object: 'the tide', check }, context, 200)
    assert.ok(performance.now() - started < 10_000)
    assert.is(severity, 'error')
    assert.match(message, /the tide has not answered within 0\.2 s/)
  })
}

doctor('what is in order is noted', async () => {
  const { severity, message } = await checked(terraform, running(`echo '{"terraform_version":"1.9.0"}'`))
  assert.equal([severity, message], ['info', '1.9.0'])
})
for (const output of ['', 'Terraform v1.9.0', '{}', 'null'])
  doctor(`a Terraform that answers ${JSON.stringify(output)} is none`, async () => {
    const { severity, message } = await checked(terraform, running(`echo '${output}'`))
    assert.is(severity, 'error')
    assert.match(message, /Terraform/)
  })
doctor.run()
