import { z } from 'zod'
import { DURATION_EXAMPLES, parseDuration } from '../runtime/duration.ts'
import { isAskable } from '../runtime/inherited.ts'
import { isBranch } from './git.ts'

/** Of a deadline: none at all and one that never comes are both slips. */
const SHORTEST_MS = 1000
const LONGEST_MS = 86_400_000

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== undefined && ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms
  const message = ms === undefined ? `"${text}" is not a duration; ${DURATION_EXAMPLES}` : `"${text}" is not between 1s and 1d`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const path = z.string().min(1, 'must not be empty')
/** Stays in the folder that it is relative to. */
const inside = (what: string) =>
  z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)*$/, what)
    .refine(text => !text.split('/').some(part => part === '.' || part === '..' || part.startsWith('-')), what)
    .refine(text => !text.split('/').some(part => part.toLowerCase() === '.git'), "must not be git's own")
const namespace = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be at most 63 lower-case letters, digits and hyphens')
const portNumber = z.int().min(1, 'must be a port').max(65_535, 'must be a port')
const portName = z.string().regex(/^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/, 'must be the number or the name of a port')

/** A service that is opened by its name; the key in the file. */
const opened = z.strictObject({
  namespace,
  /** The Service in that namespace. */
  service: namespace,
  /** Of the Service, by number or name. */
  port: z.union([portNumber, portName]),
  /** Of this machine's loopback. */
  localPort: portNumber.refine(port => port >= 1024, 'must be 1024 or above: below, only root may listen'),
  /** Of its address here, such as `https` or `postgresql`. */
  scheme: z
    .string()
    .regex(/^[a-z][a-z0-9+.-]*$/, "must be a URL's scheme")
    .default('http'),
  /** Behind its address. */
  path: z
    .string()
    .regex(/^\/[!-~]*$/, 'must begin with a slash, and have no spaces')
    .default('/'),
  /** Where the login is; not the login itself. */
  login: z.string().min(1, 'must not be empty').optional(),
})
const openedByName = z.record(namespace, opened).superRefine((services, context) => {
  const taken = new Map<number, string>()
  for (const [name, { localPort }] of Object.entries(services)) {
    const other = taken.get(localPort)
    if (other !== undefined)
      context.addIssue({
        code: 'custom',
        path: [name, 'localPort'],
        message: `${localPort} is the local port of ${other}, too`,
      })
    taken.set(localPort, name)
  }
})

const distinct = <Item extends z.ZodType<string>>(item: Item) =>
  z.array(item).superRefine((items, context) => {
    for (const [at, name] of items.entries())
      if (items.indexOf(name) < at) context.addIssue({ code: 'custom', path: [at], message: `${name} is listed twice` })
  })

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest: 64 hexadecimal digits')
const namespacedName = (example: string) => z.string().regex(/^[^/]+\/[^/]+$/, `must look like ${example}`)
/** A snapshot's name holds the layer's, the time, and the shortest form of the VM's. */
const LONGEST_LAYER = 35
const layer = z
  .string()
  .regex(
    new RegExp(`^\\d{2}-[a-z0-9-]{1,${LONGEST_LAYER}}$`),
    `must look like 01-k8s: two digits, a hyphen, a name of at most ${LONGEST_LAYER} characters`,
  )

/** What Terraform does not know about an environment; the rest comes from Terraform's outputs. */
export const environmentSchema = z.strictObject({
  schema: z.literal('threads-ops/environment/1'),
  name: z.string().regex(/^[a-z][a-z0-9-]{0,14}[a-z0-9]$/, 'must be 2 to 16 lower-case letters, digits and hyphens'),

  /** A JSON file with the endpoints of Google's services, where they are not Google's own. */
  endpoints: path.optional(),

  /** Variables of the shell that are kept, though they say whom and what tools work for: docs/environments.md. */
  inherits: distinct(
    z.string().refine(isAskable, 'must be a variable that is taken out unless it is listed here, and not a token of GitHub'),
  ).default([]),

  terraform: z.strictObject({
    /** Folder of the layers. */
    directory: path.default('terraform'),
    /** Partial backend configuration in that folder; it names the state bucket. */
    backendConfig: inside('must be a file of that folder').default('backend-config.hcl'),
    /** Location of the state bucket when it has to be created. */
    bucketLocation: z.string().default('US-EAST1'),
    program: path.refine(text => !text.startsWith('-'), 'must not begin with a hyphen').default('terraform'),
    cliConfig: path.optional(),
    layers: distinct(layer).min(1),
  }),

  access: z.strictObject({
    ssh: z.strictObject({
      user: z.string().regex(/^[a-z_][a-z0-9_-]*$/),
      /** Private key; `~` is the home folder. Without it, the SSH agent's keys. */
      identityFile: path.optional(),
    }),
    kubectl: path.refine(text => !text.startsWith('-'), 'must not begin with a hyphen').default('kubectl'),
    /** What `tunnel` opens through the Kubernetes API, by name. */
    services: openedByName.default({}),
  }),

  k0s: z.strictObject({
    version: z.string().regex(/^v\d+\.\d+\.\d+\+k0s\.\d+$/, 'must look like v1.34.1+k0s.0'),
    binary: z
      .strictObject({ url: z.url().optional(), file: path.optional(), sha256 })
      .refine(({ url, file }) => (url === undefined) !== (file === undefined), 'needs either url or file'),
    /** Merged into the ClusterConfig's spec. */
    spec: z.record(z.string(), z.unknown()).default({}),
    deadline: duration.prefault('5m'),
  }),

  snapshots: z.strictObject({
    /** `up` takes one after each of these layers, once per state serial. */
    after: distinct(layer),
  }),

  verify: z.strictObject({
    deadline: duration.prefault('10m'),
    /** The least number of pods in each namespace. */
    namespaces: z.record(namespace, z.strictObject({ pods: z.int().min(0) })),
    /** Argo CD Applications that must be Synced and Healthy, as namespace/name. */
    applications: z.array(namespacedName('argocd/threads')),
    /** PersistentVolumeClaims that must be bound, as namespace/name. */
    volumes: z.array(namespacedName('threads/postgres')),
  }),

  /** How the application's images are built and reach the cluster; the image verbs need it. */
  delivery: z
    .strictObject({
      /** The application's repository on GitHub. */
      repository: z.string().regex(/^\w[\w.-]*\/(?![.-]{1,2}$)[\w.][\w.-]*$/, 'must look like owner/name'),
      branch: z.string().refine(isBranch, "must be a branch's name").default('master'),
      /** The workflow that builds the images, in that repository. */
      workflow: inside('must be a file of the repository').default('.github/workflows/deploy-gcp.yml'),
      /** The node's platform. */
      platform: z
        .string()
        .regex(/^[a-z]+\/[a-z0-9]+$/, 'must look like linux/amd64')
        .default('linux/amd64'),
      /** The Argo CD Application that runs the images, as namespace/name. */
      application: namespacedName('argocd/threads'),
      /** Where its pods run. */
      namespace,
      services: z.record(
        z.string(),
        z.strictObject({
          /** Folder in the repository. */
          folder: inside('must be a folder of the repository'),
          /** File in that folder that holds the version. */
          versionFile: z.enum(['package.json', 'pyproject.toml']),
          /** With its registry, without tag. */
          image: z.string().regex(/^\w[\w.-]*(:\d+)?(\/\w[\w.-]*)+$/, 'must name its registry and neither tag nor digest'),
        }),
      ),
      /** How long each hop of a bump may take. */
      deadlines: z
        .strictObject({
          ci: duration.prefault('20m'),
          image: duration.prefault('2m'),
          updater: duration.prefault('6m'),
          sync: duration.prefault('5m'),
          pods: duration.prefault('10m'),
        })
        .prefault({}),
    })
    .optional(),

  guards: z.strictObject({
    /** `none`: destructive verbs only ask; `typed`: the environment's name has to be typed. */
    confirm: z.enum(['none', 'typed']),
    destroy: z.boolean(),
    /** Whether drills may run: a drill destroys, too. */
    drills: z.boolean().default(false),
  }),
})

export type Environment = z.infer<typeof environmentSchema>
