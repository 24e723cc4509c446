import type { Environment } from '../../config/schema.ts'
import { didYouMean } from '../../config/suggest.ts'
import { type Github, openGithub } from '../../delivery/github.ts'
import { openRepository, type Repository } from '../../delivery/repository.ts'
import { openRegistry, type Registry } from '../../google/registry.ts'
import type { WorkflowNeeds } from '../../model/image/workflow.ts'
import type { Context } from '../../operation/context.ts'
import { configuration, precondition, usage } from '../../runtime/errors.ts'
import { fromShell } from '../../runtime/inherited.ts'
import { neverShow } from '../../runtime/redact.ts'

export type DeliverySettings = NonNullable<Environment['delivery']>
export type Service = DeliverySettings['services'][string] & { name: string }

/** What an environment's images pass through on their way to the pods; each part is opened when first used. */
export interface Delivery {
  settings: DeliverySettings
  repository(): Promise<Repository>
  /** @throws OpsError 4 without a token */
  github(): Promise<Github>
  registry(): Registry
}

export type DeliveryContext = Pick<Context, 'environment' | 'endpoints' | 'credentials' | 'signal'>

/** @throws OpsError 3 for an environment without delivery settings */
export function openDelivery({ environment, endpoints, credentials, signal }: DeliveryContext): Delivery {
  const settings = environment.delivery
  if (!settings) {
    throw configuration(
      `environments/${environment.name}.yaml has no delivery settings`,
      'add delivery with the repository and its services; docs/environments.md describes every key',
    )
  }
  // An environment with its own endpoints uses their token: a real one must not be sent there.
  const token = async () => (endpoints ? credentials.token() : fromShell('GITHUB_TOKEN'))
  let github: Promise<Github> | undefined
  let registry: Registry | undefined
  return {
    settings,
    repository: async () => {
      const { repository: name, branch } = settings
      return openRepository({ name, branch, token: hidden(await token()), endpoint: endpoints?.git, signal })
    },
    github: () => {
      github ??= (async () => {
        const known = hidden(await token())
        if (!known) throw precondition('no GitHub token', 'export GITHUB_TOKEN="$(gh auth token)", or one of your own')
        return openGithub(known, endpoints?.github)
      })()
      return github
    },
    registry: () => {
      registry ??= openRegistry(credentials, endpoints?.registry)
      return registry
    },
  }
}

function hidden(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined
  neverShow(token)
  return token
}

/** @throws OpsError 2 for a name that the environment does not have */
export function serviceOf({ services }: DeliverySettings, name: string): Service {
  const service = Object.hasOwn(services, name) ? services[name] : undefined
  const known = Object.keys(services)
  if (!service) throw usage(`there is no service "${name}"${didYouMean(name, known)}`, `one of: ${known.join(', ')}`)
  return { name, ...service }
}

/** What the workflow must do for these services. */
export const workflowNeeds = (
  { workflow, branch, platform, services }: DeliverySettings,
  names: readonly string[] = Object.keys(services),
): WorkflowNeeds => ({
  file: workflow,
  branch,
  platform,
  services: Object.entries(services).flatMap(([name, service]) => (names.includes(name) ? { name, ...service } : [])),
})
