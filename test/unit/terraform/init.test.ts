import { spawn } from 'node:child_process'
import { cp, lchown, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { exitCodes, OpsError } from '../../../lib/runtime/errors.ts'
import { identityOf } from '../../../lib/runtime/processes.ts'
import type { Command, Ended } from '../../../lib/terraform/command.ts'
import { createInit } from '../../../lib/terraform/init.ts'
import { failureOf } from '../support/layers.ts'

const RECORD = '.terraform/terraform.tfstate'
const WHOLE = '{"version":3}'

async function initialised(use: (folder: string, init: ReturnType<typeof createInit>, runs: string[]) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-init-'))
  const runs: string[] = []
  const command = {
    async run(root: string) {
      runs.push(await readFile(join(root, RECORD), 'utf8').catch(() => 'none'))
      await mkdir(join(root, '.terraform'), { recursive: true })
      await writeFile(join(root, RECORD), WHOLE)
      return { exitCode: 0, stdout: '', stderr: '', silent: false }
    },
  } as unknown as Command
  try {
    await writeFile(join(folder, 'backend'), '')
    const init = createInit({
      command,
      env: 'lab',
      root: () => folder,
      directory: folder,
      backendConfig: join(folder, 'backend'),
    })
    await init.run('a')
    await use(folder, init, runs)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const init = suite('createInit')
init('a whole one is not done again', () =>
  initialised(async (_, { run, isCurrent }, runs) => {
    await run('a')
    assert.equal([runs, await isCurrent('a')], [['none'], true])
  }),
)
for (const torn of ['', '{"version":3', 'null x'])
  init(`one that was killed (${JSON.stringify(torn)}) is done again, without its record`, () =>
    initialised(async (folder, { run, isCurrent }, runs) => {
      await writeFile(join(folder, RECORD), torn)
      assert.is(await isCurrent('a'), false)
      await run('a')
      assert.equal([runs, await isCurrent('a')], [['none', 'none'], true])
    }),
  )

const MODULES = '.terraform/modules/modules.json'
const MODULE = '.terraform/modules/vpc'
const PROVIDER = '.terraform/providers/registry.terraform.io/hashicorp/google/7.0.0/linux_amd64'
const BINARY = `${PROVIDER}/terraform-provider-google_v7`

/** What an `init` that ends well leaves behind. */
async function install(root: string) {
  await mkdir(join(root, MODULE), { recursive: true })
  await writeFile(
    join(root, MODULES),
    JSON.stringify({
      Modules: [
        { Key: '', Dir: '.' },
        { Key: 'vpc', Source: 'git::https://x', Dir: MODULE },
      ],
    }),
  )
  await rm(join(root, PROVIDER), { recursive: true, force: true })
  await mkdir(join(root, PROVIDER), { recursive: true })
  await writeFile(join(root, BINARY), 'a whole provider')
}

/** A root whose `init` heeds what lies there as Terraform does: over a module or provider that is torn it fails. */
async function installed(use: (folder: string, init: ReturnType<typeof createInit>, runs: string[]) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-init-'))
  const runs: string[] = []
  const command = {
    async run(root: string) {
      const manifest = await readFile(join(root, MODULES), 'utf8').catch(() => undefined)
      const module = await stat(join(root, MODULE)).catch(() => undefined)
      const binary = await readFile(join(root, BINARY), 'utf8').catch(() => undefined)
      const stderr =
        manifest !== undefined && !(manifest.endsWith('}') && module)
          ? 'Error: Unreadable module directory'
          : binary !== undefined && binary !== 'a whole provider'
            ? 'Error: the cached package does not match any of the checksums recorded in the dependency lock file'
            : ''
      runs.push(stderr)
      if (stderr) return { exitCode: 1, stdout: '', stderr, silent: false }
      await install(root)
      return { exitCode: 0, stdout: '', stderr, silent: false }
    },
    stopped: () => undefined,
    failure: (_: string, { stderr }: { stderr: string }) => new Error(stderr),
  } as unknown as Command
  try {
    await writeFile(join(folder, 'backend'), '')
    await use(
      folder,
      createInit({ command, env: 'lab', root: () => folder, directory: folder, backendConfig: join(folder, 'backend') }),
      runs,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}

for (const [why, tear] of [
  ['a module whose folder is missing', (root: string) => rm(join(root, MODULE), { recursive: true })],
  ['a torn list of modules', (root: string) => writeFile(join(root, MODULES), '{"Modules":[{"Key')],
  ['an empty list of modules', (root: string) => writeFile(join(root, MODULES), '')],
  ['a provider that is not all there', (root: string) => writeFile(join(root, BINARY), 'a wh')],
  ['a provider that is missing', (root: string) => rm(join(root, BINARY))],
  [
    'a provider that is a link to nowhere',
    async (root: string) => {
      await rm(join(root, PROVIDER), { recursive: true })
      await symlink('/nowhere', join(root, PROVIDER))
    },
  ],
] as [string, (root: string) => Promise<void>][]) {
  init(`${why} is installed again, after an init that ended well`, () =>
    installed(async (folder, { run, isCurrent }) => {
      await run('a')
      await tear(folder)
      assert.is(await isCurrent('a'), false)
      await run('a')
      assert.is(await readFile(join(folder, BINARY), 'utf8'), 'a whole provider')
      assert.is((await stat(join(folder, MODULE))).isDirectory(), true)
      assert.is(await isCurrent('a'), true)
    }),
  )
  init(`${why} is installed again, after a first init that was killed`, () =>
    installed(async (folder, { run, isCurrent }) => {
      await install(folder)
      await tear(folder)
      await run('a')
      assert.is(await readFile(join(folder, BINARY), 'utf8'), 'a whole provider')
      assert.is(await isCurrent('a'), true)
    }),
  )
}
init('a copy of the checkout is as current as the checkout', () =>
  installed(async (folder, { run }) => {
    await run('a')
    const copy = `${folder}-copy`
    await cp(folder, copy, { recursive: true })
    const options = {
      command: {} as Command,
      env: 'lab',
      root: () => copy,
      directory: copy,
      backendConfig: join(copy, 'backend'),
    }
    assert.is(await createInit(options).isCurrent('a'), true)
    await rm(copy, { recursive: true })
  }),
)
for (const [why, stderr] of [
  ['says that the configuration is wrong', 'Error: Unsupported argument'],
  ['says that the network is down', 'Error: Failed to query available provider packages: dial tcp: i/o timeout'],
  [
    'finds a provider that is not what the lock file wants, whoever fetches it',
    'Error: checksums: does not match any of the checksums',
  ],
] as const) {
  init(`an init that ${why} fails with its words`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'threads-ops-init-'))
    await writeFile(join(folder, 'backend'), '')
    await install(folder)
    let runs = 0
    const command = {
      async run() {
        runs++
        return { exitCode: 1, stdout: '', stderr, silent: false }
      },
      stopped: () => undefined,
      failure: () => new Error(stderr),
    } as unknown as Command
    const { run } = createInit({
      command,
      env: 'lab',
      root: () => folder,
      directory: folder,
      backendConfig: join(folder, 'backend'),
    })
    const message = await run('a').then(
      () => '',
      error => (error as Error).message,
    )
    assert.is(message, stderr)
    assert.ok(runs <= 2)
    if (!/checksums/.test(stderr)) assert.is(await readFile(join(folder, BINARY), 'utf8'), 'a whole provider')
    await rm(folder, { recursive: true })
  })
}

init('two at once do not meet, and the second does nothing that the first has done', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-init-'))
  await writeFile(join(folder, 'backend'), '')
  let [now, most, runs] = [0, 0, 0]
  const command = {
    async run() {
      runs++
      most = Math.max(most, ++now)
      await sleep(600)
      now--
      return { exitCode: 0, stdout: '', stderr: '', silent: false }
    },
  } as unknown as Command
  const said: string[] = []
  const inits = [1, 2].map(() =>
    createInit({
      command,
      env: 'lab',
      root: () => folder,
      directory: folder,
      backendConfig: join(folder, 'backend'),
      onProgress: detail => said.push(detail),
    }),
  )
  await Promise.all(inits.map(each => each.run('00-vpc')))
  assert.equal([most, runs], [1, 1])
  assert.match(said.join('\n'), `waiting for terraform init of 00-vpc by another run (pid ${process.pid})`)
  await rm(folder, { recursive: true })
})

init('the Terraform of a run that was killed is waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-init-'))
  await writeFile(join(folder, 'backend'), '')
  const left = spawn('sleep', ['0.7'])
  await mkdir(join(folder, '.terraform'))
  await writeFile(join(folder, '.terraform/threads-ops-init-process'), JSON.stringify(identityOf(left.pid ?? 0)))
  const said: string[] = []
  let isLeft: boolean | undefined
  const command = {
    async run() {
      isLeft = left.exitCode === null
      return { exitCode: 0, stdout: '', stderr: '', silent: false }
    },
  } as unknown as Command
  const backendConfig = join(folder, 'backend')
  await createInit({
    command,
    env: 'lab',
    root: () => folder,
    directory: folder,
    backendConfig,
    onProgress: line => said.push(line),
  }).run('a')
  assert.is(isLeft, false)
  assert.match(said.join('\n'), `(pid ${left.pid})`)
  await rm(folder, { recursive: true })
})
init.run()

const LOCK = '.terraform.lock.hcl'
const READONLY = '-lockfile=readonly'
const WELL: Ended = { exitCode: 0, stdout: '', stderr: '', silent: false }

/** A folder, the arguments that its Terraform was run with, and an `init` for it. */
async function inFolder(
  use: (folder: string, commands: string[][], init: (more?: object) => ReturnType<typeof createInit>) => Promise<void>,
  ended: Ended = WELL,
) {
  const folder = await mkdtemp(join(tmpdir(), 'threads-ops-init-'))
  const commands: string[][] = []
  const command = {
    run: async (_: string, args: string[]) => {
      commands.push(args)
      return ended
    },
    stopped: () => undefined,
    failure: (what: string, _: Ended, hint: string) => new OpsError(exitCodes.external, what, hint),
  } as unknown as Command
  const backendConfig = join(folder, 'backend')
  try {
    await writeFile(backendConfig, '')
    await use(folder, commands, more =>
      createInit({ command, env: 'lab', root: () => folder, directory: folder, backendConfig, ...more }),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}

const locked = suite('a lock file')

locked('is only read by init', () =>
  inFolder(async (folder, commands, make) => {
    await writeFile(join(folder, LOCK), 'provider "registry.terraform.io/hashicorp/google" {}')
    await make().run('a')
    assert.ok(commands[0]?.includes(READONLY))
  }),
)

locked('that is not there yet is made by init', () =>
  inFolder(async (_, commands, make) => {
    await make().run('a')
    assert.not(commands[0]?.includes(READONLY))
  }),
)

locked('of providers that were built here is kept by init', () =>
  inFolder(async (folder, commands, make) => {
    await writeFile(join(folder, LOCK), '')
    await make({ ownProviders: true }).run('a')
    assert.not(commands[0]?.includes(READONLY))
  }),
)

for (const [what, said] of [
  [
    'a provider that it lacks',
    'Error: Provider dependency changes detected\n\nChanges to the required provider dependencies …',
  ],
  [
    'another version',
    'Error: Failed to query available provider packages\n\n… locked provider\nregistry.terraform.io/hashicorp/google 7.1.0 does not match configured version\nconstraint ~> 8.0; must use terraform init -upgrade …',
  ],
  [
    'another package',
    "Error: Failed to install provider\n\n… the current package for\nregistry.terraform.io/hashicorp/google 7.1.0 doesn't match any of the\nchecksums previously recorded in the dependency lock file; …",
  ],
  [
    'another package in the cache',
    "Error: Required plugins are not installed\n\n│ … has a copy of\n│ registry.terraform.io/hashicorp/google 7.1.0 that doesn't match any of the\n│ checksums recorded in the dependency lock file",
  ],
] as const)
  locked(`that does not fit ${what} is said to be, with the verb that renews it`, () =>
    inFolder(
      async (folder, _, make) => {
        await writeFile(join(folder, LOCK), '')
        const { code, message, hint } = await failureOf(make().run('00-vpc'))
        assert.is(code, exitCodes.precondition)
        assert.match(message, join(folder, LOCK))
        assert.match(hint, './taskw lock')
      },
      { ...WELL, exitCode: 1, stderr: said },
    ),
  )

locked('has nothing to do with other failures', () =>
  inFolder(
    async (folder, _, make) => {
      await writeFile(join(folder, LOCK), '')
      const { code, hint } = await failureOf(make().run('00-vpc'))
      assert.is(code, exitCodes.external)
      assert.not.match(hint, './taskw lock')
    },
    { ...WELL, exitCode: 1, stderr: 'Error: Failed to get existing workspaces' },
  ),
)

locked.run()

const owner = suite("Terraform's folder of another user")
const SOMEBODY_ELSE = (process.getuid?.() ?? 0) + 1

owner('is not trusted, whatever is asked', () =>
  inFolder(async (folder, commands, make) => {
    await mkdir(join(folder, '.terraform'))
    const init = make({ user: SOMEBODY_ELSE })
    for (const ask of [() => init.run('a'), () => init.isCurrent('a')]) {
      const { code, message, hint } = await failureOf(ask())
      assert.is(code, exitCodes.precondition)
      assert.match(message, join(folder, '.terraform'))
      assert.match(hint, 'rm -r')
    }
    assert.equal(commands, [])
  }),
)

owner('is not trusted through a link either', () =>
  inFolder(async (folder, commands, make) => {
    await mkdir(join(folder, 'elsewhere'))
    await symlink('elsewhere', join(folder, '.terraform'))
    assert.is((await failureOf(make({ user: SOMEBODY_ELSE }).run('a'))).code, exitCodes.precondition)
    assert.is((await lstat(join(folder, '.terraform'))).isSymbolicLink(), true)
    assert.equal(commands, [])
  }),
)

// Only root can give a file away.
const asRoot = process.getuid?.() === 0 ? owner : owner.skip
asRoot('is not trusted where only a part of it is theirs', () =>
  inFolder(async (folder, commands, make) => {
    const provider = join(folder, '.terraform/providers/registry/google')
    await mkdir(provider, { recursive: true })
    await writeFile(join(provider, 'program'), '')
    await lchown(join(provider, 'program'), SOMEBODY_ELSE, SOMEBODY_ELSE)
    const { code, message } = await failureOf(make().run('a'))
    assert.is(code, exitCodes.precondition)
    assert.match(message, join(provider, 'program'))
    assert.equal(commands, [])
  }),
)

owner('is no matter where there is none yet, or where the system has no users', () =>
  inFolder(async (folder, commands, make) => {
    await make({ user: SOMEBODY_ELSE }).run('a')
    await rm(join(folder, '.terraform'), { recursive: true })
    await mkdir(join(folder, '.terraform'))
    await make({ user: null }).run('a')
    assert.is(commands.length, 2)
  }),
)

owner.run()
