import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { exitCodes, OpsError } from '../../../lib/runtime/errors.ts'
import type { Command } from '../../../lib/terraform/command.ts'
import { LOCK_FILE, lockFileFaults, writeLockFile } from '../../../lib/terraform/lock-file.ts'

const REQUIRES = 'terraform {\n  required_providers {\n    google = {\n      source = "hashicorp/google"\n    }\n  }\n}\n'

/** A root, and a Terraform that writes what it is told to where a lock file is asked for; without it, that fails. */
async function inRoot(
  written: string | undefined,
  use: (root: string, command: Command, commands: string[][]) => Promise<void>,
) {
  const root = await mkdtemp(join(tmpdir(), 'threads-ops-lock-'))
  const commands: string[][] = []
  const command = {
    async run(folder: string, args: string[]) {
      commands.push(args)
      const isLock = args[0] === 'providers'
      if (isLock && written !== undefined)
        await writeFile(join(folder, LOCK_FILE), `${await readFile(join(folder, LOCK_FILE), 'utf8').catch(() => '')}${written}`)
      return { exitCode: isLock && written === undefined ? 1 : 0, stdout: '', stderr: '', silent: false }
    },
    failure: (what: string) => new OpsError(exitCodes.external, what, ''),
  } as unknown as Command
  try {
    await writeFile(join(root, 'versions.tf'), REQUIRES)
    await use(root, command, commands)
  } finally {
    await rm(root, { recursive: true })
  }
}

const tests = suite('writing a lock file')

tests('asks for every platform that is named', () =>
  inRoot('new', async (root, command, commands) => {
    await writeLockFile(command, root)
    assert.equal(commands, [
      ['get', '-no-color'],
      [
        ...['providers', 'lock', '-no-color', '-platform=linux_amd64', '-platform=linux_arm64'],
        ...['-platform=darwin_amd64', '-platform=darwin_arm64'],
      ],
    ])
  }),
)

for (const [upgrade, expected] of [
  [false, 'old new'],
  [true, ' new'],
] as const)
  tests(upgrade ? 'anew, where versions are chosen anew' : 'adds to the versions that it has', () =>
    inRoot(' new', async (root, command) => {
      await writeFile(join(root, LOCK_FILE), 'old')
      await writeLockFile(command, root, { upgrade })
      assert.is(await readFile(join(root, LOCK_FILE), 'utf8'), expected)
      assert.equal((await readdir(root)).sort(), [LOCK_FILE, 'versions.tf'])
    }),
  )

for (const upgrade of [false, true])
  tests(`that fails leaves the one that was there${upgrade ? ', when it was to be made anew' : ''}`, () =>
    inRoot(undefined, async (root, command) => {
      await writeFile(join(root, LOCK_FILE), 'old')
      const error = await writeLockFile(command, root, { upgrade }).catch(thrown => thrown)
      assert.is(error.code, exitCodes.external)
      assert.is(await readFile(join(root, LOCK_FILE), 'utf8'), 'old')
      assert.equal((await readdir(root)).sort(), [LOCK_FILE, 'versions.tf'])
    }),
  )

tests('what is missing is known by the files of the root', () =>
  inRoot('', async root => {
    assert.equal(await lockFileFaults(root), ['it is missing'])
    await writeFile(join(root, LOCK_FILE), '')
    assert.equal(await lockFileFaults(root), ['it lacks registry.terraform.io/hashicorp/google'])
  }),
)

tests.run()
