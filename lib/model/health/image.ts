import type { Json } from '../../runtime/json.ts'
import { command } from '../shell.ts'
import { broken, type Finding } from './finding.ts'
import { type ContainerStatus, type Node, nameOf, type Pod } from './objects.ts'

/** Waiting reasons of a kubelet that can't get an image. gitops-engine misses `InvalidImageName`. */
const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
])

/** What containerd and Docker say when an index has no manifest for the node, and the kernel of a binary for another architecture. */
const WRONG_PLATFORM =
  /no match for platform in manifest|no matching manifest for|exec format error|exec user process caused.*format/i

/** Patterns in a kubelet's reason and message, with what each means and what to do. A number may also be part of a tag. */
const PULL_ERRORS: [RegExp, string, string][] = [
  [
    /^InvalidImageName|invalid reference format|couldn't parse image/i,
    'is not a valid image reference',
    'correct the image in the manifest',
  ],
  [
    /not found|manifest unknown|name unknown/i,
    'is not in the registry',
    'build and push it, or correct the tag in the manifest',
  ],
  [
    /\b40[13]\b|unauthorized|denied|authentication required/i,
    'is refused by the registry',
    'check the pull secret and artifactregistry.reader',
  ],
  [/\b429\b|too many requests|rate limit/i, 'is rate-limited by the registry', 'wait, or pull through a mirror'],
  [
    /no such host|dial tcp|timeout|connection refused|TLS handshake/i,
    "can't be fetched: the registry is out of reach",
    'check NAT and DNS',
  ],
]

interface Where {
  pod: Pod
  container: ContainerStatus
  /** As the manifest names it; in the status it may be empty before the first pull. */
  image: string
  node: Node | undefined
}

/** What is wrong with a container's image; undefined when its trouble is something else, or over. */
export function imageFinding({ pod, container, image, node }: Where): Finding | undefined {
  if (container.ready) return undefined
  const object = nameOf('Pod', pod)
  const { waiting, terminated } = container.state ?? {}
  const last = container.lastState?.terminated
  const said = [waiting?.message, terminated?.message, last?.message].filter(Boolean).join(' ')
  const evidence = { container: container.name, image, reason: waiting?.reason ?? null, message: said }

  if (WRONG_PLATFORM.test(said)) {
    return wrongPlatform(object, { ...evidence, node: node?.status?.nodeInfo?.architecture })
  }
  const { reason = '', message: refusal = '' } = waiting ?? {}
  if (!IMAGE_REASONS.has(reason)) return undefined
  const known = PULL_ERRORS.find(([pattern]) => pattern.test(`${reason} ${refusal}`))
  const { name, namespace } = pod.metadata
  const [, what, remedy] = known ?? [undefined, "can't be pulled", command`kubectl -n ${namespace} describe pod ${name}`]
  const detail = refusal || `${reason}, without a message`
  return broken('pod/image', object, `image ${image} ${what}: ${detail}`, { evidence, remedy })
}

/** @param evidence the node's architecture, and the image's platforms, where they are known */
export function wrongPlatform(
  object: string,
  evidence: { [key: string]: Json | undefined } & { image: string; node?: string | undefined; platforms?: string[] },
): Finding {
  const { image, node, platforms } = evidence
  const remedy = command`docker buildx build --platform linux/${node ?? 'amd64'} --push -t ${image} …`
  const wanted = node === undefined ? "its node's platform" : `linux/${node}, which the node is`
  const message = platforms
    ? `image ${image} has {${platforms.join(', ')}}, the node is linux/${node}`
    : `image ${image} is not for ${wanted}`
  return broken('pod/architecture', object, message, { evidence, remedy })
}
