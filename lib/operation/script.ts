import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { loadEndpoints } from '../config/endpoints.ts'
import { configuredPath, environmentNames, loadEnvironment } from '../config/load.ts'
import type { Environment } from '../config/schema.ts'
import { credentials } from '../google/credentials.ts'
import { messageOf, precondition } from '../runtime/errors.ts'
import { fromShell, inheritOnly } from '../runtime/inherited.ts'
import type { Log } from '../runtime/log.ts'
import { type Outcome, type Run, type ScriptDefinition, script } from '../runtime/script.ts'
import { endpointVariables } from '../terraform/environment.ts'
import { createTerraform } from '../terraform/terraform.ts'
import { openConnections } from './connections.ts'
import { type ConsentOptions, consentOf } from './consent.ts'
import type { Context } from './context.ts'
import { acquireLock } from './lock.ts'
import { gitSha } from './operator.ts'
import { planFolder, removeLeftPlans } from './plans.ts'
import { stateObjects } from './state-objects.ts'

export interface EnvironmentOptions {
  env: string
}

/** `--env`, which every script on an environment has. */
export const environmentOption = () =>
  new Option('--env <name>', 'environment').env('ENV').default('lab').choices(environmentNames())

/** A script that works on one environment. */
export function environmentScript<O>(definition: {
  name: string
  summary: string
  define?(command: Command): void
  run(context: Context, run: Run<O & EnvironmentOptions>): Promise<Outcome>
}): ScriptDefinition<O & EnvironmentOptions> {
  return script<O & EnvironmentOptions>({
    ...definition,
    define(command) {
      command.addOption(environmentOption())
      definition.define?.(command)
    },
    async run(run) {
      const { context, close } = await openContext(definition.name, run)
      try {
        const outcome = await definition.run(context, run)
        return { ...outcome, document: { env: run.options.env, ...outcome.document } }
      } finally {
        await close()
      }
    },
  })
}

const CREDENTIALS = 'GOOGLE_APPLICATION_CREDENTIALS'

/** Whoever sets it means it to be used. */
function warnOfCredentials({ name, inherits }: Environment, log: Log): void {
  if (fromShell(CREDENTIALS) === undefined || inherits.includes(CREDENTIALS)) return
  log.warn(`the shell's ${CREDENTIALS} is not used: environments/${name}.yaml does not list it under inherits`)
}

async function openContext(
  verb: string,
  { options, log, signal, stop }: Run<EnvironmentOptions & ConsentOptions>,
): Promise<{ context: Context; close(): Promise<void> }> {
  const environment = await loadEnvironment(options.env)
  inheritOnly(environment.inherits)
  await removeLeftPlans()
  const endpoints = await loadEndpoints(environment)
  if (!endpoints) warnOfCredentials(environment, log)
  const identity = credentials(endpoints && configuredPath(endpoints.tokenFile), { signal })
  const { terraform: layout } = environment
  const directory = configuredPath(layout.directory)

  const terraform = createTerraform({
    program: layout.program.includes('/') ? configuredPath(layout.program) : layout.program,
    directory,
    env: environment.name,
    backendConfig: join(directory, layout.backendConfig),
    layers: layout.layers,
    plans: planFolder(environment.name),
    signal,
    gitSha,
    objects: stateObjects(() => terraform.input(baseLayer, 'project_id'), identity, endpoints),
    onProgress: detail => context.progress(detail),
    variables: async () => ({
      ...(endpoints && { ...endpointVariables(endpoints), GOOGLE_OAUTH_ACCESS_TOKEN: await identity.token() }),
      ...(layout.cliConfig !== undefined && { TF_CLI_CONFIG_FILE: configuredPath(layout.cliConfig) }),
    }),
  })
  const baseLayer = terraform.layers[0] as string

  const outputs: Context['outputs'] = async layer => {
    const state = await terraform.state(layer)
    if (!state.applied)
      throw precondition(`layer ${layer} is not applied`, `\`./taskw up\`, or \`./taskw layer:apply -- ${layer}\``)
    return state.outputs
  }
  const output: Context['output'] = async (layer, name) => {
    const value = (await outputs(layer))[name]
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number') return String(value)
    throw precondition(`layer ${layer} has no output "${name}"`, `apply the layer again: \`./taskw layer:apply -- ${layer}\``)
  }

  let releaseLock: (() => Promise<void>) | undefined
  const sources = { environment, endpoints, credentials: identity, terraform, baseLayer, output, log, signal }
  const context: Context = {
    ...sources,
    ...openConnections(sources),
    verb,
    journal: undefined,
    outputs,
    now: () => new Date(),
    consent: consentOf(environment, options, log),
    progress: () => undefined,
    changes: 0,
    beforeChange: async () => {
      if (releaseLock) return false
      releaseLock = await acquireLock(context, stop)
      return releaseLock !== undefined
    },
  }
  const close = async () => {
    // Whatever fails to close, or hangs, the lock is freed; and none of it hides how the run ended.
    const closed = await Promise.allSettled([releaseLock?.(), context.disconnect(), terraform.dispose()])
    for (const end of closed) if (end.status === 'rejected') log.debug(`closing: ${messageOf(end.reason)}`)
  }
  return { context, close }
}
