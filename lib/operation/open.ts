import type { ConsentOptions, EnvironmentOptions } from '../command-line/options.ts'
import { loadEndpoints } from '../config/endpoints.ts'
import { configuredPath, configuredProgram, hasOwnProviders, loadEnvironment } from '../config/load.ts'
import type { Environment } from '../config/schema.ts'
import { credentials } from '../google/credentials.ts'
import { messageOf, precondition } from '../runtime/errors.ts'
import { fromShell, inheritOnly } from '../runtime/inherited.ts'
import type { Log } from '../runtime/log.ts'
import type { Run } from '../runtime/script.ts'
import { endpointVariables } from '../terraform/environment.ts'
import { createTerraform } from '../terraform/terraform.ts'
import { openConnections } from './connections.ts'
import { consentOf } from './consent.ts'
import type { Context } from './context.ts'
import { givenValues } from './given-values.ts'
import { acquireLock, clearDeadLock } from './lock.ts'
import { gitSha } from './operator.ts'
import { createOutput } from './output.ts'
import { planFolder, removeLeftPlans } from './plans.ts'
import { servicesAnswer } from './services.ts'
import { stateObjects } from './state-objects.ts'

const CREDENTIALS = 'GOOGLE_APPLICATION_CREDENTIALS'

/** Whoever sets it means it to be used. */
function warnOfCredentials({ name, inherits }: Environment, log: Log): void {
  if (fromShell(CREDENTIALS) === undefined || inherits.includes(CREDENTIALS)) return
  log.warn(`the shell's ${CREDENTIALS} is not used: environments/${name}.yaml does not list it under inherits`)
}

/**
 * What a script on an environment works with, and how to close it.
 * @param given by default that of the options' name
 * @throws OpsError 3 where its configuration or endpoints are wrong
 */
export async function openContext(
  verb: string,
  { options, log, signal, stop }: Run<EnvironmentOptions & ConsentOptions>,
  given?: Environment,
): Promise<{ context: Context; close(): Promise<void> }> {
  const environment = given ?? (await loadEnvironment(options.env))
  inheritOnly(environment.inherits)
  await removeLeftPlans()
  const endpoints = await loadEndpoints(environment)
  if (!endpoints) warnOfCredentials(environment, log)
  const identity = credentials(endpoints && configuredPath(endpoints.tokenFile), { signal })
  const { terraform: layout } = environment
  const directory = configuredPath(layout.directory)

  const terraform = createTerraform({
    program: configuredProgram(layout.program),
    ownProviders: hasOwnProviders(environment),
    directory,
    env: environment.name,
    root: layout.root,
    backendConfig: layout.backendConfig,
    layers: layout.layers,
    lockDeadline: layout.lockDeadline,
    given: givenValues(environment),
    plans: planFolder(environment.name),
    signal,
    // The tree's own commit: it may be in another repository.
    gitSha: () => gitSha(directory),
    objects: stateObjects({ credentials: identity, endpoints, signal }),
    onProgress: detail => context.progress(detail),
    answering: layer => servicesAnswer(layer, terraform.layers, context),
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
  const output = createOutput({
    ...{ environment, terraform, baseLayer },
    compute: () => context.compute(),
    apiEnd: () => context.apiEnd(),
  })

  let releaseLock: (() => Promise<void>) | undefined
  const now = () => new Date()
  const sources = { environment, endpoints, credentials: identity, terraform, baseLayer, output, now, log, signal }
  const context: Context = {
    ...sources,
    ...openConnections(sources),
    verb,
    journal: undefined,
    outputs,
    consent: consentOf(environment, options, log),
    progress: () => undefined,
    changes: 0,
    beforeChange: async () => {
      if (releaseLock) return false
      releaseLock = await acquireLock(context, stop)
      return releaseLock !== undefined
    },
    clearDeadLock: async () => {
      if (!releaseLock) await clearDeadLock(context)
    },
  }
  const close = async () => {
    // Whatever fails to close, or hangs, the lock is freed; and none of it hides how the run ended.
    const closed = await Promise.allSettled([releaseLock?.(), context.disconnect(), terraform.dispose()])
    for (const end of closed) if (end.status === 'rejected') log.debug(`closing: ${messageOf(end.reason)}`)
  }
  return { context, close }
}
