import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCommand } from '../../../lib/terraform/command.ts'

const commands = suite<{ folder: string }>("Terraform's environment")
commands.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'threads-ops-command-'))
})
commands.after.each(({ folder }) => {
  for (const name of ['GOGC', 'GOMEMLIMIT']) delete process.env[name]
  rmSync(folder, { recursive: true })
})

/** What a program finds in its environment. */
async function found(folder: string, shell: Record<string, string>): Promise<string[]> {
  Object.assign(process.env, shell)
  const signal = new AbortController().signal
  const command = createCommand({
    program: 'env',
    variables: async () => ({ OWN: '1' }),
    signal,
    silence: 5000,
    scratch: folder,
  })
  const { stdout } = await command.run(folder, [], { env: { MORE: '2' } })
  return stdout.split('\n').filter(line => /^(GO\w+|OWN|MORE)=/.test(line))
}

commands('it looks for garbage seldom', async ({ folder }) => {
  assert.equal((await found(folder, {})).sort(), ['GOGC=400', 'GOMEMLIMIT=1GiB', 'MORE=2', 'OWN=1'])
})
commands('the shell knows better how much memory there is', async ({ folder }) => {
  const lines = await found(folder, { GOGC: '20', GOMEMLIMIT: '200MiB' })
  assert.equal(lines.sort(), ['GOGC=20', 'GOMEMLIMIT=200MiB', 'MORE=2', 'OWN=1'])
})
commands.run()
