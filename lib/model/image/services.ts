import { doubtful, type Finding, noted } from '../health/finding.ts'
import type { Application } from '../health/objects.ts'
import { baseName, block, record, text, type Values } from '../layer/planned.ts'
import { manifestOf } from '../layer/real-name.ts'
import type { StateResource } from '../layer/state.ts'
import { namespacedName, objectName, parseNamespacedName } from '../namespaced-name.ts'
import { command } from '../shell.ts'
import type { UpdaterImage } from './updater.ts'
import type { ImageUpdater } from './world.ts'

/** An image that the Image Updater looks after. */
type ListedImage = Pick<UpdaterImage, 'alias' | 'image'>

/** The two lists, as an operator is told of them. */
export interface Lists {
  /** As `namespace/name`. */
  application: string
  /** Where it was seen: `in the cluster`. */
  seen: string
  /** The environment's file. */
  file: string
  /** The layer that makes the Application; undefined where no state has it. */
  layer: string | undefined
  /** It is made by a tree that takes the list from the file. */
  isOwn: boolean
}

/** Where the images that are updated are not those of `delivery.services`; a single note where they are. */
export function servicesDiffer(
  listed: readonly ListedImage[],
  services: Readonly<Record<string, { image: string }>>,
  { application, seen, file, layer, isOwn }: Lists,
): Finding[] {
  const { namespace, name: applicationName } = parseNamespacedName(application)
  const object = objectName('Application', { namespace, name: applicationName })
  const apply = layer === undefined ? undefined : command`./taskw layer:apply -- ${layer}`
  const place = layer === undefined ? 'where the Application is made' : `in layer ${layer}`
  /** In the Application's list, which follows the file or is another tree's. */
  const there = (change: string) =>
    isOwn && apply ? `${apply} (its list is that of ${file})` : `${change} ${place}${apply ? `, and ${apply}` : ''}`

  const isOther = ({ image }: ListedImage) => Object.values(services).every(service => service.image !== image)
  const nameOf = ({ alias, image }: ListedImage) => alias || baseName(image)
  const others = new Map(listed.filter(isOther).map(each => [nameOf(each), each.image]))
  const missing = Object.entries(services).filter(([, { image }]) => listed.every(each => each.image !== image))
  const extra = [...others].filter(([service]) => missing.every(([name]) => name !== service))

  const findings = [
    ...missing.map(([service, { image }]) => {
      const other = others.get(service)
      const evidence = { service, image, listed: other ?? null }
      if (other !== undefined) {
        const message = `lists ${other} ${seen}, but delivery.services has ${image} for ${service}`
        const remedy = `${there('correct its image')}; or correct delivery.services.${service}.image of ${file}`
        return doubtful('delivery/other-image', object, message, { evidence, remedy })
      }
      const message = `lists no ${image} ${seen}, but delivery.services has ${service}: what is pushed does not get into its pods`
      const remedy = `${there('list its image')}; or remove it from delivery.services of ${file}`
      return doubtful('delivery/not-listed', object, message, { evidence, remedy })
    }),
    ...extra.map(([service, image]) => {
      const message = `lists ${image} ${seen}, but delivery.services has no such service: no verb follows it`
      const remedy = `add ${service} to delivery.services of ${file}; or ${there('remove its image')}`
      return doubtful('delivery/no-service', object, message, { evidence: { service, image }, remedy })
    }),
  ]
  if (findings.length > 0) return findings
  const names = Object.keys(services).join(', ') || 'none'
  return [noted('delivery/services', object, `lists ${seen} the services of delivery.services: ${names}`)]
}

/** The Application of this name among a state's resources, as far as its metadata say. */
export function applicationInState(
  resources: readonly Pick<StateResource, 'type' | 'attributes'>[],
  name: string,
): Application | undefined {
  return resources
    .flatMap(({ type, attributes }) => applicationOf(type, attributes) ?? [])
    .find(application => namespacedName(application) === name)
}

/** The ImageUpdaters among a state's resources. */
export function updatersInState(resources: readonly Pick<StateResource, 'type' | 'attributes'>[]): ImageUpdater[] {
  return resources.flatMap(({ type, attributes }) => {
    const manifest = manifestOf(type, attributes)
    const [metadata, spec] = [record(manifest?.metadata), record(manifest?.spec)]
    if (manifest?.kind !== 'ImageUpdater' || !metadata) return []
    const { name, namespace } = { name: text(metadata.name) ?? '', namespace: text(metadata.namespace) ?? '' }
    return [{ metadata: { name, namespace, uid: '' }, ...(spec && { spec }) } as ImageUpdater]
  })
}

function applicationOf(type: string, attributes: Values): Application | undefined {
  if (type === 'argocd_application') return described(block(attributes, 'metadata'))
  const manifest = manifestOf(type, attributes)
  const isApplication = manifest?.kind === 'Application' && text(manifest.apiVersion)?.startsWith('argoproj.io/')
  return isApplication ? described(record(manifest.metadata)) : undefined
}

function described(metadata: Values | undefined): Application | undefined {
  const name = text(metadata?.name)
  if (name === undefined) return undefined
  const texts = (values: Values | undefined): Record<string, string> =>
    Object.fromEntries(Object.entries(values ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  const [labels, annotations] = [texts(record(metadata?.labels)), texts(record(metadata?.annotations))]
  return { metadata: { name, namespace: text(metadata?.namespace) ?? '', uid: '', labels, annotations } }
}
