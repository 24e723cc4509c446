import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { completion, type Known } from '../../../lib/command-line/completion.ts'
import { environmentOption, foreignArguments } from '../../../lib/command-line/options.ts'
import { publicTasks } from '../../../lib/command-line/tasks.ts'
import { valued } from '../../../lib/command-line/values.ts'
import { root } from '../../../lib/runtime/files.ts'
import { commandFor, type ScriptDefinition } from '../../../lib/runtime/script.ts'

const COMMANDS: Record<string, () => Command> = {
  'plan.ts': () =>
    new Command()
      .addOption(environmentOption())
      .option('--dry-run', 'change nothing')
      .option('-w, --wait [duration]', 'how long')
      .option('--note <text>', 'anything')
      .addOption(valued('layer', new Option('--after <layer>', 'a layer')))
      .addOption(valued('file', new Option('--file <path>', 'a file')))
      .addOption(new Option('--secret').hideHelp())
      .addArgument(valued('layer', new Argument('[layers...]', 'layers'))),
  'one.ts': () => new Command().addArgument(valued(['a', 'b'], new Argument('[kind]', 'which'))),
  'kubectl.ts': () => foreignArguments(new Command().option('--json', 'a document'), 'its arguments', 'service'),
}

const known: Known = {
  tasks: [
    { name: 'layer:plan', about: 'plans', script: 'plan.ts' },
    { name: 'layer:list', about: 'lists', script: 'one.ts' },
    { name: 'logs', about: 'logs', script: 'kubectl.ts' },
    { name: 'test', about: 'tests' },
  ],
  environments: ['lab', 'prod'],
  env: undefined,
  command: async script => (COMMANDS[script] as () => Command)(),
  names: async (kind, env) => [`${env} ${kind} 1`, `${env} ${kind} 2`].map(name => name.replaceAll(' ', '-')),
}
const VERBS = ['layer:plan', 'layer:list', 'logs', 'test']
const ENVS = ['ENV=lab', 'ENV=prod']
const LAYERS = ['lab-layer-1', 'lab-layer-2']
const OPTIONS = ['--env', '--dry-run', '--wait', '--note', '--after', '--file', '--help']

const completes = suite('completion')
for (const [line, expected] of [
  // A trailing space begins another word.
  ['', [...VERBS, ...ENVS]],
  ['lay', ['layer:plan', 'layer:list']],
  ['layer:p', ['layer:plan']],
  ['nothing', []],
  ['E', ENVS],
  ['ENV=', ENVS],
  ['ENV=p', ['ENV=prod']],
  ['ENV=prod ', VERBS],
  ['ENV=prod lo', ['logs']],
  ['layer:plan ', [...ENVS, '--']],
  ['layer:plan -', ['--']],
  ['layer:plan ENV=prod ', ['--']],
  ['layer:list ', ['--']],
  ['layer:plan -- ', LAYERS],
  ['layer:plan -- lab-layer-1 ', ['lab-layer-2']],
  ['layer:plan -- lab-layer-1 lab-layer-2 ', OPTIONS],
  ['layer:plan ENV=prod -- ', ['prod-layer-1', 'prod-layer-2']],
  ['ENV=prod layer:plan -- ', ['prod-layer-1', 'prod-layer-2']],
  ['layer:plan ENV=prod -- --env lab ', LAYERS],
  ['layer:plan -- --env=prod ', ['prod-layer-1', 'prod-layer-2']],
  ['layer:plan -- --env ', ['lab', 'lab-staging', 'prod']],
  ['layer:plan -- --env p', ['prod']],
  ['layer:plan -- --env=p', ['--env=prod']],
  ['layer:plan -- --env lab', ['lab', 'lab-staging']],
  ['layer:plan -- -', OPTIONS],
  ['layer:plan -- --', OPTIONS],
  ['layer:plan -- --d', ['--dry-run']],
  ['layer:plan -- --dry-run -', OPTIONS.filter(name => name !== '--dry-run')],
  ['layer:plan -- --dry-run ', LAYERS],
  ['layer:plan -- --after ', LAYERS],
  ['layer:plan -- --after lab-layer-1 ', LAYERS],
  ['layer:plan -- --after=', ['--after=lab-layer-1', '--after=lab-layer-2']],
  ['layer:plan -- --note ', []],
  ['layer:plan -- --note -', []],
  ['layer:plan -- --note -- ', LAYERS],
  ['layer:plan -- --wait ', []],
  ['layer:plan -- --wait -', OPTIONS],
  ['layer:plan -- --wait 10m ', LAYERS],
  ['layer:plan -- -w 10m ', LAYERS],
  ['layer:plan -- --wait --dry-run ', LAYERS],
  ['layer:plan -- --unknown ', LAYERS],
  ['layer:plan -- --unknown=', []],
  ['layer:plan -- --file ', 'files'],
  ['layer:plan -- --s', []],
  ['layer:list -- ', ['a', 'b']],
  ['layer:list -- a ', ['--help']],
  ['layer:list -- a b', []],
  ['logs -- ', ['lab-service-1', 'lab-service-2']],
  ['logs -- -', ['--json', '--help']],
  ['logs -- lab-service-1 --', []],
  ['logs -- --json lab-service-1 ', []],
  ['test -- ', 'files'],
  ['nonsense -- ', 'files'],
] as [string, string[] | 'files'][])
  completes(`\`${line}\``, async () => {
    const found = await completion(line.split(' '), known)
    assert.equal(found === 'files' ? found : found.candidates.map(({ value }) => value), expected)
  })
completes('the shell’s own ENV is the environment unless another one is said', async () => {
  for (const [line, env] of [
    ['layer:plan -- ', 'prod'],
    ['layer:plan ENV=lab -- ', 'lab'],
  ] as const) {
    const found = await completion(line.split(' '), { ...known, env: 'prod' })
    assert.equal(found, { candidates: [{ value: `${env}-layer-1` }, { value: `${env}-layer-2` }] })
  }
})
completes('with what each verb and option is about', async () => {
  assert.equal(await completion(['lo'], known), { candidates: [{ value: 'logs', about: 'logs' }] })
  const found = await completion('layer:plan -- --dr'.split(' '), known)
  assert.equal(found, { candidates: [{ value: '--dry-run', about: 'change nothing' }] })
})
completes.run()

const tasks = suite('publicTasks')
tasks('are those that Task lists', () => {
  const { stdout, stderr } = spawnSync(join(root, 'taskw'), ['--list', '--json', '--no-status'], { encoding: 'utf8' })
  assert.ok(stdout, stderr)
  const listed = (JSON.parse(stdout) as { tasks: { name: string; desc: string }[] }).tasks
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  assert.equal(
    publicTasks().map(({ name, about }) => ({ name, about })),
    listed.map(({ name, desc }) => ({ name, about: desc })).sort(byName),
  )
})
for (const { name, script } of publicTasks()) {
  if (script === undefined) continue
  tasks(`${name}: its options are those of its script`, async () => {
    const { default: definition } = (await import(join(root, 'scripts', script))) as { default: ScriptDefinition<unknown> }
    const found = await completion([name, '--', '-'], {
      ...known,
      tasks: publicTasks(),
      command: async () => commandFor(definition),
    })
    const help = spawnSync(process.execPath, [join(root, 'scripts', script), '--help'], { encoding: 'utf8' }).stdout
    const shown = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)
    assert.equal(found === 'files' ? found : found.candidates.map(({ value }) => value).sort(), shown.sort())
  })
}
tasks.run()
