import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Command, Option } from 'commander'
import { type Cluster, openCluster } from '../cluster/cluster.ts'
import { type Endpoints, loadEndpoints } from '../config/endpoints.ts'
import { configuredPath, environmentNames, loadEnvironment } from '../config/load.ts'
import type { Environment } from '../config/schema.ts'
import { type Compute, openCompute } from '../google/compute.ts'
import { type Credentials, credentials } from '../google/credentials.ts'
import { dialThroughIap } from '../google/iap.ts'
import { openStore, type Store } from '../google/storage.ts'
import { openTunnel, type Tunnel } from '../google/tunnel.ts'
import { type Host, openHost } from '../host/ssh.ts'
import { asOpsError, exitCodes, precondition, usage } from '../runtime/errors.ts'
import { root } from '../runtime/files.ts'
import { type JournalWriter, openJournal, type PhaseRecord } from '../runtime/journal.ts'
import type { Json } from '../runtime/json.ts'
import { type Phase, type PhaseContext, planPhases, runPhases } from '../runtime/phases.ts'
import { DetailedError, type Outcome, type Run, type ScriptDefinition, script } from '../runtime/script.ts'
import { waitFor } from '../runtime/wait.ts'
import { shell } from '../runtime/zx.ts'
import { endpointVariables } from '../terraform/environment.ts'
import { createTerraform, type Terraform } from '../terraform/terraform.ts'
import { acquireLock } from './lock.ts'
import { dialFailure } from './vm-status.ts'

/** What a phase works with: one environment, everything outside it opened when first asked for and closed at the end. */
export interface Operation extends PhaseContext {
  verb: string
  environment: Environment
  endpoints: Endpoints | undefined
  credentials: Credentials
  journal: JournalWriter | undefined
  terraform: Terraform
  now(): Date
  /** Terraform's outputs of an applied layer. @throws OpsError 4 when it is not applied */
  outputs(layer: string): Promise<Record<string, Json>>
  /** One output that is a text. @throws OpsError 4 when it is missing */
  output(layer: string, name: string): Promise<string>
  store(): Promise<Store>
  compute(): Promise<Compute>
  /** A TCP connection to the VM, through IAP. */
  dial(port: number): ReturnType<typeof dialThroughIap>
  /** @param within milliseconds that it may take to answer; as many as a boot takes unless told */
  host(within?: number): Promise<Host>
  /** The Kubernetes API at the local port that the kubeconfig names. */
  tunnel(): Promise<Tunnel>
  cluster(): Promise<Cluster>
  /** After the VM has been replaced or restarted: open connections are closed, and opened anew when next asked for. */
  disconnect(): Promise<void>
  /** @throws OpsError 4 unless the operator agrees; environments whose guard is `none` agree by themselves */
  confirm(question: string): Promise<void>
}

export interface VerbOptions {
  env: string
  dryRun?: boolean
  yes?: boolean
  confirm?: string
}

/** First of all layers: it makes the VM and exports how to reach it. */
export const baseLayer = (terraform: Terraform): string => {
  const [base] = terraform.layers
  if (base === undefined) throw new Error('an environment has at least one layer')
  return base
}

/** `--env`, which every script on an environment has. */
export const environmentOption = () =>
  new Option('--env <name>', 'environment').env('ENV').default('lab').choices(environmentNames())

/** A script that works on one environment. */
export function environmentScript<O>(definition: {
  name: string
  summary: string
  define?(command: Command): void
  run(operation: Operation, run: Run<O & VerbOptions>): Promise<Outcome>
}): ScriptDefinition<O & VerbOptions> {
  return script<O & VerbOptions>({
    ...definition,
    define(command) {
      command.addOption(environmentOption())
      definition.define?.(command)
    },
    async run(run) {
      const { operation, close } = await openOperation(definition.name, run)
      try {
        const outcome = await definition.run(operation, run)
        return { ...outcome, document: { env: run.options.env, ...outcome.document } }
      } finally {
        await close()
      }
    },
  })
}

/** A script that changes an environment: a literal list of phases, run under the environment's lock and journalled. */
export function verb<O>(definition: {
  name: string
  summary: string
  /** Wants the environment's guard `destroy` and the operator's word. */
  destructive?: boolean
  define?(command: Command): void
  phases(operation: Operation, run: Run<O & VerbOptions>): Phase<Operation>[]
  /** The result for people once every phase is done. */
  report?(operation: Operation): Promise<string>
  /** More members of the `--json` document, whether it went well or not. */
  document?(operation: Operation): Outcome['document']
}): ScriptDefinition<O & VerbOptions> {
  return environmentScript<O>({
    ...definition,
    define(command) {
      command.option('--dry-run', 'say what would change, change nothing; exit code 8 when something would')
      command.option('--yes', 'do not ask')
      if (definition.destructive) command.option('--confirm <env>', "the environment's name, typed")
      definition.define?.(command)
    },
    async run(operation, run) {
      const phases = definition.phases(operation, run)
      if (run.options.dryRun) return describePlan(phases, operation)
      if (definition.destructive) await permitted(definition.name, 'destroy', operation, run.options)

      return journalled(phases, operation, run, {
        async conclude(records) {
          const changed = records.filter(({ status }) => status === 'done').length
          const nothing = changed === 0 ? 'Nothing to do: everything is as it should be.' : ''
          return { document: { changed }, text: (await definition.report?.(operation)) ?? nothing }
        },
        more: () => definition.document?.(operation),
      })
    },
  })
}

/**
 * Runs phases with a journal of their own.
 * @param ends what comes of it once every phase is done, and more members of the `--json` document whether they are or not
 * @throws DetailedError of the phase that failed
 */
export async function journalled<O>(
  phases: Phase<Operation>[],
  operation: Operation,
  run: Run<O & VerbOptions>,
  ends: { conclude(records: PhaseRecord[]): Promise<Outcome>; more?(): Outcome['document'] | undefined },
): Promise<Outcome> {
  const journal = await newJournal(operation, run)
  keepJournal(operation, journal)
  const document = () => ({
    run: journal.journal.id,
    phases: journal.journal.phases as unknown as Json,
    ...ends.more?.(),
  })
  try {
    const outcome = await ends.conclude(await runPhases(phases, operation, journal))
    await journal.end(outcome.exitCode ?? exitCodes.ok)
    return { ...outcome, document: { ...document(), ...outcome.document } }
  } catch (thrown) {
    const error = asOpsError(thrown)
    await journal.end(error.code)
    throw new DetailedError(error, document())
  }
}

/** What the phases would do, by their checks alone. Exit code 8 when something would change. */
export async function describePlan(phases: Phase<Operation>[], operation: Operation): Promise<Outcome> {
  const plan = await planPhases(phases, operation)
  const pending = plan.filter(({ state }) => state !== 'done')
  const lines = plan.map(({ title, state, changes, needs }) => {
    if (state === 'done') return `  = ${title}`
    if (state === 'unknown') return `  ? ${title}: deferred, needs ${needs}`
    return [`  ~ ${title}`, ...changes.map(change => `      ${change}`)].join('\n')
  })
  return {
    exitCode: pending.length > 0 ? exitCodes.changes : exitCodes.ok,
    document: { dryRun: true, phases: plan as unknown as Json },
    text: `${lines.join('\n')}\n${pending.length === 0 ? 'Nothing to do.' : `${pending.length} of ${plan.length} phases pending.`}`,
  }
}

export const operator = (): string => `${userInfo().username}@${hostname()}`

/** A journal for this run. */
export const newJournal = async <O>(
  { verb, now }: Operation,
  { options, args }: Run<O & VerbOptions>,
): Promise<JournalWriter> =>
  openJournal({
    verb,
    env: options.env,
    operator: operator(),
    gitSha: await gitSha(),
    args: { ...options, args } as Json,
    now: now(),
  })

/** From now on the phases and the log go into this journal's folder. */
export function keepJournal(operation: Operation, journal: JournalWriter): void {
  operation.journal = journal
  operation.log.toFile(join(journal.directory, 'log.txt'))
}

/**
 * A destructive script checks its guards itself: Task's own can be skipped.
 * @throws OpsError 4 unless the environment allows it and the operator has confirmed it
 */
export async function permitted(
  name: string,
  guard: 'destroy' | 'drills',
  operation: Operation,
  options: VerbOptions,
): Promise<void> {
  const { environment } = operation
  if (!environment.guards[guard]) {
    throw precondition(
      `${environment.name} does not allow \`${name}\``,
      `set guards.${guard} in environments/${environment.name}.yaml, in a reviewed change`,
    )
  }
  await confirmed(name, operation, options)
}

/**
 * The operator's word: the environment's name typed where its guard is `typed`, else a yes.
 * @throws OpsError 4 without it, 2 for another environment's name
 */
export async function confirmed(name: string, { environment, log }: Operation, options: VerbOptions): Promise<void> {
  if (options.confirm === environment.name) return
  if (options.confirm !== undefined)
    throw usage(
      `--confirm names "${options.confirm}", the environment is "${environment.name}"`,
      'type the name of the environment that you mean',
    )
  const typed = environment.guards.confirm === 'typed'
  if (!typed && options.yes) return
  if (!process.stdin.isTTY) {
    throw precondition(`\`${name}\` wants a confirmation`, typed ? `add --confirm=${environment.name}` : 'add --yes')
  }
  log.warn(`\`${name}\` destroys parts of ${environment.name}.`)
  const answer = await ask(typed ? `Type the environment's name to go on: ` : 'Go on? [y/N] ')
  if (typed ? answer === environment.name : /^y(es)?$/i.test(answer)) return
  throw precondition('not confirmed: nothing was changed', 'run it again when you mean it')
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await terminal.question(question)).trim()
  } finally {
    terminal.close()
  }
}

async function gitSha(): Promise<string> {
  const output = await shell({ cwd: root, nothrow: true })`git rev-parse HEAD`
  return output.exitCode === 0 ? output.stdout.trim() : 'unknown'
}

const HOST_KEYS_DEADLINE_MS = 3 * 60_000
export const API_PORT = 6443
const SSH_PORT = 22

async function openOperation(
  verbName: string,
  run: Run<VerbOptions>,
): Promise<{ operation: Operation; close(): Promise<void> }> {
  const { options, log, signal } = run
  const environment = await loadEnvironment(options.env)
  const endpoints = await loadEndpoints(environment)
  const identity = credentials(endpoints && configuredPath(endpoints.tokenFile))
  const { terraform: layout } = environment
  const directory = configuredPath(layout.directory)

  const terraform = createTerraform({
    program: layout.program.includes('/') ? configuredPath(layout.program) : layout.program,
    directory,
    env: environment.name,
    backendConfig: join(directory, layout.backendConfig),
    layers: layout.layers,
    plans: join(root, '.runs', 'plans', `${environment.name}-${process.pid}`),
    signal,
    onProgress: detail => operation.progress(detail),
    variables: async () => ({
      ...(endpoints && { ...endpointVariables(endpoints), GOOGLE_OAUTH_ACCESS_TOKEN: await identity.token() }),
      ...(layout.cliConfig !== undefined && { TF_CLI_CONFIG_FILE: configuredPath(layout.cliConfig) }),
    }),
  })
  const base = baseLayer(terraform)

  const outputs = async (layer: string) => {
    const state = await terraform.state(layer)
    if (!state.applied)
      throw precondition(`layer ${layer} is not applied`, `\`./taskw up\`, or \`./taskw layer:apply -- ${layer}\``)
    return state.outputs
  }
  const output = async (layer: string, name: string) => {
    const value = (await outputs(layer))[name]
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number') return String(value)
    throw precondition(`layer ${layer} has no output "${name}"`, `apply the layer again: \`./taskw layer:apply -- ${layer}\``)
  }

  let compute: Promise<Compute> | undefined
  let store: Promise<Store> | undefined
  let host: Promise<Host> | undefined
  let tunnel: Promise<Tunnel> | undefined
  let cluster: Promise<Cluster> | undefined
  let release: (() => Promise<void>) | undefined

  /** The project and its zone outlive the layers: without outputs, Terraform's inputs say them. */
  const place = async (name: 'project_id' | 'zone') =>
    (await terraform.state(base)).applied ? output(base, name) : terraform.input(base, name)

  const operation: Operation = {
    verb: verbName,
    environment,
    endpoints,
    credentials: identity,
    journal: undefined,
    terraform,
    log,
    signal,
    progress: () => undefined,
    now: () => new Date(),
    outputs,
    output,

    store: () => {
      store ??= (async () =>
        openStore(await terraform.bucket(), await terraform.input(base, 'project_id'), identity, endpoints?.storage))()
      return store
    },
    compute: () => {
      compute ??= (async () => {
        const [project, zone] = await Promise.all([place('project_id'), place('zone')])
        return openCompute({ project, zone, credentials: identity, signal, ...(endpoints && { endpoint: endpoints.compute }) })
      })()
      return compute
    },
    dial: async port => {
      const [project, zone, instance] = await Promise.all([place('project_id'), place('zone'), output(base, 'vm_name')])
      const relay = endpoints?.iapRelay ?? 'wss://tunnel.cloudproxy.app'
      return dialThroughIap({ relay, project, zone, instance, port, token: identity.token })
    },
    host: within => {
      host ??= (async () => {
        const vm = await output(base, 'vm_name')
        const client = await operation.compute()
        const hostKeys = await waitFor({
          what: `the host keys of ${vm}`,
          within: within ?? HOST_KEYS_DEADLINE_MS,
          signal,
          hint: 'the guest has not booted, or its metadata lacks enable-guest-attributes=TRUE',
          probe: async () => {
            const keys = await client.hostKeys(vm)
            return keys.length > 0 ? keys : undefined
          },
        })
        const { user, identityFile } = environment.access.ssh
        return openHost({
          dial: () =>
            operation.dial(SSH_PORT).catch(async error => {
              throw await dialFailure(error, operation, base)
            }),
          user,
          hostKeys,
          name: vm,
          signal,
          log,
          ...(within !== undefined && { within }),
          ...(identityFile !== undefined && { identityFile: configuredPath(identityFile) }),
        })
      })()
      return host
    },
    tunnel: () => {
      tunnel ??= (async () => {
        const port = Number(await output(base, 'api_local_port'))
        return openTunnel(port, () => operation.dial(API_PORT))
      })()
      return tunnel
    },
    cluster: () => {
      cluster ??= (async () => {
        await operation.tunnel()
        const [kubeconfig = '', context = ''] = await Promise.all(
          ['kubeconfig_path', 'kube_context'].map(name => output(base, name)),
        )
        return openCluster({ kubeconfig: configuredPath(kubeconfig), context })
      })()
      return cluster
    },
    disconnect: async () => {
      const open = await Promise.allSettled([cluster, host, tunnel])
      cluster = host = tunnel = undefined
      for (const opened of open) if (opened.status === 'fulfilled') await opened.value?.close()
    },
    confirm: async question => {
      if (options.yes || environment.guards.confirm === 'none') return
      if (!process.stdin.isTTY) throw precondition(`${question}: wants a confirmation`, 'add --yes')
      if (!/^y(es)?$/i.test(await ask(`${question}? [y/N] `)))
        throw precondition('not confirmed: nothing was changed', 'run it again when you mean it')
    },
    beforeChange: async () => {
      if (release) return false
      release = await acquireLock(operation)
      return release !== undefined
    },
  }

  const close = async () => {
    await operation.disconnect()
    await release?.()
  }
  return { operation, close }
}
