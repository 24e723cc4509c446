#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { Argument, Option } from 'commander'
import type { Known } from '../lib/command-line/completion.ts'
import { valued } from '../lib/command-line/values.ts'
import { usage } from '../lib/runtime/errors.ts'
import { type Outcome, type ScriptDefinition, script } from '../lib/runtime/script.ts'

const SHELLS = ['bash', 'fish', 'zsh']

export default script<{ complete?: boolean }>({
  name: 'completion',
  summary: 'Print a script for a shell to source, which completes verbs, their options, environments, layers and services.',

  define: command =>
    command
      .addArgument(valued(SHELLS, new Argument('[words...]', `${SHELLS.join(', ')}: the shell`)))
      // What those scripts ask with: the words of a command line up to the cursor.
      .addOption(new Option('--complete').hideHelp()),

  run: async ({ args, options: { complete } }) => (complete ? offered(args) : sourced(args)),
})

async function sourced([shell = '', ...more]: string[]): Promise<Outcome> {
  const { join } = await import('node:path')
  const { readNamed, root } = await import('../lib/runtime/files.ts')

  if (!SHELLS.includes(shell) || more.length > 0)
    throw usage(
      shell === '' ? 'for which shell?' : `there is no completion for ${[shell, ...more].join(' ')}`,
      `one of: ${SHELLS.join(', ')}`,
    )
  const text = (await readNamed(join(root, `lib/command-line/shells/taskw.${shell}`))) ?? ''
  return { document: { shell, script: text }, text }
}

/** Each word in a line of its own, and after a tab what it is about. */
async function offered(words: string[]): Promise<Outcome> {
  const { completion } = await import('../lib/command-line/completion.ts')
  const { publicTasks } = await import('../lib/command-line/tasks.ts')
  const { environmentNames } = await import('../lib/config/names.ts')
  const { commandFor } = await import('../lib/runtime/script.ts')

  const found = await completion(words, {
    tasks: publicTasks(),
    environments: environmentNames(),
    env: process.env.ENV,
    command: async name => {
      const { default: definition } = (await import(`./${name}`)) as { default: ScriptDefinition<unknown> }
      return commandFor(definition)
    },
    names,
  })
  if (found === 'files') return { document: { files: true }, text: ':files' }
  const lines = found.candidates.map(({ value, about }) => (about === undefined ? value : `${value}\t${about}`))
  return { document: { candidates: found.candidates.map(({ value }) => value) }, text: lines.join('\n') }
}

/** What can't be read, such as a file with an error in it, has none: whoever runs the verb is told. */
const names: Known['names'] = async (kind, env) => {
  const { environmentNames } = await import('../lib/config/names.ts')

  if (kind === 'environment') return environmentNames()
  if (kind === 'scenario') return (await import('../lib/phases/drill/scenarios.ts')).scenarioNames
  if (kind === 'drill') {
    const { readDrills } = await import('../lib/phases/drill/journals.ts')
    return (await readDrills(env).catch(() => [])).map(({ id }) => id)
  }
  const { loadEnvironment } = await import('../lib/config/load.ts')
  const environment = await loadEnvironment(env).catch(() => undefined)
  if (!environment) return []
  if (kind === 'layer') return environment.terraform.layers
  const [opened, delivered] = [environment.access.services, environment.delivery?.services ?? {}].map(Object.keys)
  const services = {
    'opened service': opened,
    'delivered service': delivered,
    service: [...new Set([...(opened ?? []), ...(delivered ?? [])])],
  }
  return services[kind] ?? []
}
