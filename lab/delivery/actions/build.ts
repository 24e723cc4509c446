import { posix } from 'node:path'
import { parseImage, repositoryIn } from '../../machine/node-agent/images.ts'
import { type Build, type Platform, Repository } from '../oci.ts'
import type { Sources } from './sources.ts'
import type { PlannedStep } from './workflow.ts'

/** Why a step failed, in the words of the action that it stands for. */
export class StepFailed extends Error {}

interface Target {
  /** URL of the lab's registry. */
  registry: string
  /** The lab's, which a push wants. */
  token: string
  sources: Sources
  commit: string
}

/**
 * `docker/build-push-action` without Docker: the files of the context folder become one layer, for each requested platform.
 * @returns the digest that was pushed, if any
 * @throws StepFailed
 */
export async function buildAndPush({ input, ownPlatform }: PlannedStep, target: Target): Promise<string | undefined> {
  const context = posix.normalize(input('context') || '.').replace(/\/$/, '')
  const file = input('file') || posix.join(context, 'Dockerfile')
  if ((await target.sources.read(target.commit, file)) === undefined) {
    throw new StepFailed(`failed to read dockerfile: open ${posix.basename(file)}: no such file or directory`)
  }
  const references = listed(input('tags')).map(tag => ({ tag, reference: parseImage(tag) }))
  if (input('push') !== 'true') return undefined
  if (references.length === 0) throw new StepFailed('tag is needed when pushing to registry')
  const layer = await target.sources.archive(target.commit, context === '.' ? '' : context)
  const platforms = listed(input('platforms')).map(parsePlatform)
  const builds: Build[] = (platforms.length > 0 ? platforms : [ownPlatform]).map(platform => ({
    platform,
    created: new Date().toISOString(),
    labels: Object.fromEntries(listed(input('labels'), '\n').map(label => label.split(/=(.*)/s).slice(0, 2))),
    layers: [layer],
  }))
  let digest: string | undefined
  for (const { tag, reference } of references) {
    if (!reference) throw new StepFailed(`invalid tag "${tag}": invalid reference format`)
    const repository = new Repository(`${target.registry}/v2/${repositoryIn(reference)}`, target.token)
    // The action attaches a provenance attestation by default.
    digest = await repository.push([reference.version], builds, { attested: input('provenance') !== 'false' })
  }
  return digest
}

/** Lists are separated by commas or lines. */
const listed = (text: string, separator: RegExp | string = /[\n,]/): string[] =>
  text
    .split(separator)
    .map(item => item.trim())
    .filter(Boolean)

function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/')
  if (!os || !architecture) throw new StepFailed(`invalid platform "${text}"`)
  return { os, architecture, ...(variant && { variant }) }
}
