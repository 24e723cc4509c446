import { applicationFindings } from '../health/application.ts'
import { assess } from '../health/assess.ts'
import { blocking, broken, doubtful, type Finding } from '../health/finding.ts'
import { type Application, isReady, nameOf, type Pod } from '../health/objects.ts'
import { APPLY } from '../layer/maker.ts'
import { objectName, parseNamespacedName } from '../namespaced-name.ts'
import { command } from '../shell.ts'
import { runsOn } from './facts.ts'
import type { HopId } from './hops.ts'
import { parseReference } from './reference.ts'
import { selections, type UpdaterImage, updaterImages } from './updater.ts'
import { applicationOf, chosenTag, oldPods, podsOf, syncOf, type World } from './world.ts'

/** What else is known when a hop is not reached. */
export interface Circumstances {
  now: Date
  /** What is wrong with the workflow of this commit. */
  workflow: readonly Finding[]
}

/** Why a hop was not reached in time, the likeliest cause first; never empty. */
export const causes = (hop: HopId, world: World, circumstances: Circumstances): Finding[] => rules[hop](world, circumstances)

type Rule = (world: World, circumstances: Circumstances) => Finding[]

const commit = ({ subject }: World): string => `${subject.repository}@${subject.sha}`

const rules: Record<HopId, Rule> = {
  'run-created': (world, { workflow }) => [
    ...errors(workflow),
    doubtful('delivery/no-run', commit(world), 'GitHub has created no run for this commit', {
      remedy: `are Actions enabled in ${world.subject.repository}, and is ${world.subject.workflow} on the branch? \`./taskw image:check\``,
    }),
  ],

  'run-started': world => [
    doubtful('delivery/run-queued', commit(world), 'no runner has picked up the run', {
      evidence: { status: world.ci?.run?.status ?? null },
      remedy: `the minutes may be used up, no runner may have its label, or its concurrency group may be busy: see ${world.ci?.run?.html_url}`,
    }),
  ],

  'run-completed': world => {
    const job = world.ci?.jobs.find(({ status }) => status !== 'completed')
    const step = job?.steps?.find(({ status }) => status === 'in_progress')
    const where = job ? `: job "${job.name}"${step ? `, step "${step.name}"` : ''}` : ''
    const remedy = `see ${world.ci?.run?.html_url}`
    return [doubtful('delivery/run-slow', commit(world), `the run is still in progress${where}`, { remedy })]
  },

  image: (world, { workflow }) => [
    ...errors(workflow),
    broken(
      'image/missing',
      `${world.subject.image}:${world.subject.sha}`,
      'is not in the registry, although the run succeeded',
      {
        remedy: 'compare the tags in the workflow with the image that the Application runs: `./taskw image:check`',
      },
    ),
  ],

  updater: world => updaterCauses(world),

  synced: (world, { now }) => {
    const application = applicationOf(world)
    const found = application ? blocking(applicationFindings([application], now)) : [noApplication(world)]
    if (found.length > 0) return found
    const remedy = 'kubectl -n argocd logs statefulset/argocd-application-controller'
    return [doubtful('delivery/unsynced', objectOf(world), 'Argo CD has not synced what the Image Updater wrote', { remedy })]
  },

  'pods-ready': (world, { now }) => {
    const found = inNamespace(world, now)
    if (found.length > 0) return found
    const message = podsOf(world).length === 0 ? `no pod runs ${world.subject.image}` : 'its new pods are not all ready yet'
    const remedy = command`kubectl -n ${world.subject.namespace} describe pods`
    return [doubtful('delivery/pods', `Namespace/${world.subject.namespace}`, message, { remedy })]
  },

  'old-pods-gone': (world, { now }) => {
    const found = inNamespace(world, now)
    if (found.length > 0) return found
    return oldPods(world).map(pod =>
      doubtful('delivery/old-pod', nameOf('Pod', pod), `still runs ${imagesOf(pod, world)}`, {
        remedy: command`kubectl -n ${world.subject.namespace} describe pod ${pod.metadata.name}`,
      }),
    )
  },
}

const errors = (findings: readonly Finding[]): Finding[] => findings.filter(({ severity }) => severity === 'error')

const objectOf = ({ subject }: World): string => objectName('Application', parseNamespacedName(subject.application))

const imagesOf = ({ spec }: Pod, { subject }: World): string =>
  (spec?.containers ?? [])
    .map(({ image }) => image)
    .filter(image => parseReference(image).repository === subject.image)
    .join(', ')

function inNamespace({ cluster, subject }: World, now: Date): Finding[] {
  if (!cluster) return []
  const nothing = { namespaces: {}, applications: [], volumes: [] }
  return blocking(assess(cluster.inventory, nothing, now)).filter(({ object }) => object.startsWith(`${subject.namespace}/`))
}

const noApplication = (world: World): Finding =>
  broken('delivery/application', objectOf(world), 'does not exist', { remedy: APPLY })

/** In the order in which the updater itself decides. */
function updaterCauses(world: World): Finding[] {
  const application = applicationOf(world)
  if (!application) return [noApplication(world)]
  const { imageUpdaters, inventory } = world.cluster ?? {}
  const settings = updaterImages(application, imageUpdaters).find(({ image }) => image === world.subject.image)
  const found = settings ? filterCauses(world, settings) : [notListed(world)]
  const needsSelection = imageUpdaters !== undefined && selections(application, imageUpdaters).length === 0
  const running = inventory?.pods.filter(pod => isUpdater(pod, application)) ?? []
  const { namespace = '' } = application.metadata
  return [
    ...(running.some(isReady) ? [] : [notRunning(running, namespace, deploymentOf(world, application))]),
    ...found,
    ...(needsSelection ? [notSelected(world)] : []),
    doubtful('updater/silent', objectOf(world), 'the Image Updater has not picked up the image', {
      remedy: command`kubectl -n ${namespace} logs deployment/${deploymentOf(world, application)}; what it skips shows with --loglevel debug`,
    }),
  ]
}

/** Its Deployment has had another name since version 1.0. */
function deploymentOf({ cluster }: World, application: Application): string {
  const found = cluster?.inventory.deployments.find(deployment => isUpdater(deployment, application))
  return found?.metadata.name ?? `argocd-image-updater${cluster?.imageUpdaters ? '-controller' : ''}`
}

/**
 * The tag that workflows move to every newest build. The Image Updater reads a tag once, and of equally old ones takes the last by its name:
 * only after a restart is this one as new as the commit's.
 */
const MUTABLE = 'latest'

function filterCauses(world: World, settings: UpdaterImage): Finding[] {
  const { subject, registry } = world
  const object = objectOf(world)
  const remedy = `correct it where the Application's layer says it, \`${APPLY}\``
  const found: Finding[] = []
  if (!settings.allows(subject.sha)) {
    found.push(broken('updater/allow-tags', object, `its allow-tags exclude ${subject.sha}`, { remedy }))
  }
  if (settings.ignores(subject.sha)) {
    const lift = 'remove the tag from its ignore-tags, or bump again'
    found.push(broken('updater/ignored', object, `its ignore-tags name ${subject.sha}`, { remedy: lift }))
  }
  const image = registry?.image
  if (image && settings.platforms.length > 0 && !settings.platforms.some(platform => runsOn(image, platform))) {
    const message = `its platforms are ${settings.platforms.join(', ')}, the image is for none of them`
    found.push(broken('updater/platforms', object, message, { remedy }))
  }
  const application = applicationOf(world)
  const live = application?.status?.summary?.images?.map(parseReference) ?? []
  if (!live.some(({ repository }) => repository === subject.image)) {
    const message = `runs no ${subject.image}: the Image Updater considers only images that are live`
    found.push(broken('updater/not-live', object, message, { remedy: 'see why its pods are not there: `./taskw verify`' }))
  }
  if (settings.allows(MUTABLE) && !settings.ignores(MUTABLE)) {
    const message = `its filters let the tag ${MUTABLE} pass: an Image Updater that has started since the build takes that one of its tags, and no pod is replaced when it moves`
    const narrow = `have it take commit ids alone, allow-tags regexp:^[0-9a-f]{40}$, where the Application's layer says it, \`${APPLY}\``
    found.push(doubtful('updater/mutable-tag', object, message, { remedy: narrow }))
  }
  const chosen = chosenTag(application?.spec, subject)
  const since = chosen && syncOf(world, chosen)?.deployStartedAt
  const isLater = since === undefined || Date.parse(since) > Date.parse(subject.pushedAt)
  if (chosen && chosen !== subject.sha && chosen !== MUTABLE && settings.allows(chosen) && isLater) {
    const message = `has moved on to ${chosen}: a newer build has overtaken this one`
    found.push(
      broken('updater/overtaken', object, message, {
        evidence: { tag: chosen },
        remedy: 'see the newest commits and their runs',
      }),
    )
  }
  return found
}

const notListed = (world: World): Finding =>
  broken('updater/not-listed', objectOf(world), `its image-list does not name ${world.subject.image}`, {
    remedy: `name it in \`delivery.services\`, or where the Application's layer has the list; \`${APPLY}\``,
  })

const notSelected = (world: World): Finding =>
  doubtful(
    'updater/not-selected',
    objectOf(world),
    'no ImageUpdater selects it, which the Image Updater requires since version 1.0',
    {
      remedy: `\`${APPLY}\``,
    },
  )

function notRunning(pods: readonly Pod[], namespace: string, name: string): Finding {
  return broken('updater/not-running', `${namespace}/Deployment/${name}`, 'no pod of the Image Updater is ready', {
    evidence: { pods: pods.map(({ metadata }) => metadata.name) },
    remedy: command`kubectl -n ${namespace} get pods; kubectl -n ${namespace} scale deployment ${name} --replicas=1`,
  })
}

/** It runs in the namespace of the Applications that it updates. */
const isUpdater = ({ metadata }: Pick<Pod, 'metadata'>, application: Application): boolean =>
  metadata.namespace === application.metadata.namespace &&
  metadata.labels?.['app.kubernetes.io/name'] === 'argocd-image-updater'
