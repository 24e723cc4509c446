import { z } from 'zod'
import { parseCalendarSpan } from '../runtime/calendar-span.ts'
import { DURATION_EXAMPLES, parseDuration } from '../runtime/duration.ts'
import { isAskable } from '../runtime/inherited.ts'
import { isBranch } from './git.ts'
import { USUAL_ROOT } from './layer-root.ts'
import { didYouMean } from './suggest.ts'

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

/** Quotes are good manners: other readers of YAML take 21:00 for a number. */
const timeOfDay = z.string('must be a time of day, such as "09:00"').regex(/^([01]\d|2[0-3]):[0-5]\d$/, {
  error: ({ input }) => `"${input}" is not a time of day, from "00:00" to "23:59"`,
})
/** An offset such as +08:00 has no summer, and would be another hour for half a year. */
const timeZone = z.string().superRefine((name, context) => {
  if (isTimeZone(name)) return
  const message = `"${name}" is not a time zone's name, such as Asia/Taipei${didYouMean(name, Intl.supportedValuesOf('timeZone'))}`
  context.addIssue({ code: 'custom', message })
})
function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return /^[A-Za-z]/.test(name)
  } catch {
    return false
  }
}

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

/** https://cloud.google.com/resource-manager/docs/creating-managing-projects; older ones may belong to a domain. */
const project = z.string().regex(/^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "must be a project's id")
const zone = z.string().regex(/^[a-z]+(-[a-z]+)*\d+-[a-z]$/, 'must be a zone, such as us-east1-b')
/** https://cloud.google.com/compute/docs/naming-resources */
const resourceName = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a VM's name: at most 63 lower-case letters, digits and hyphens")

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest: 64 hexadecimal digits')
const namespacedName = (example: string) => z.string().regex(/^[^/]+\/[^/]+$/, `must look like ${example}`)
/** Saved plans are called after their layers. */
const LONGEST_LAYER = 100
/** libpq takes a name with `=` or `://` for more than a name. */
const identifier = z.string().regex(/^[A-Za-z_][\w$-]{0,62}$/, 'must be at most 63 letters, digits, _, $ and -')
const layer = z
  .string()
  .regex(/^\w[\w.-]*$/, 'must be the name of a folder, in letters, digits, _, . and -')
  .max(LONGEST_LAYER, `must have at most ${LONGEST_LAYER} characters`)

/** The order of the list is that of application; a number that says otherwise is a slip. */
const layers = distinct(layer)
  .min(1)
  .superRefine((names, context) => {
    const numbers = names.map(name => /^\d+/.exec(name)?.[0])
    for (const [at, number] of numbers.entries()) {
      const above = names.find((_, before) => before < at && Number(numbers[before]) > Number(number))
      if (above === undefined) continue
      const message = `${names[at]} is listed after ${above}; numbered layers are listed in the order of their numbers`
      context.addIssue({ code: 'custom', path: [at], message })
    }
  })

/** Where the value of a variable is. */
const given = z
  .strictObject({
    /** A variable of the shell. */
    env: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'must be the name of a variable of the shell')
      .optional(),
    file: path.optional(),
  })
  .refine(({ env, file }) => (env === undefined) !== (file === undefined), 'needs either env or file')

/** The root of a layer, below its folder. */
const rootTemplate = z
  .literal('.')
  .or(
    z
      .string()
      .refine(
        text => inside('').safeParse(text.replaceAll('{env}', 'env')).success,
        'must be a folder below that of the layer, such as envs/{env}, or . for the layer itself',
      ),
  )

/** The same meaning as restic's `--keep-…`. */
const keepCount = z.int().min(-1, 'must be how many to keep, or -1 for all').optional()
const keepSpan = z
  .string()
  .transform((text, context) => {
    const span = parseCalendarSpan(text)
    if (span) return span
    const message = `"${text}" is not a time such as 2y5m7d3h: years, months, days, hours`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
  .optional()
const keep = z
  .strictObject({
    last: keepCount,
    hourly: keepCount,
    daily: keepCount,
    weekly: keepCount,
    monthly: keepCount,
    yearly: keepCount,
    within: keepSpan,
    'within-hourly': keepSpan,
    'within-daily': keepSpan,
    'within-weekly': keepSpan,
    'within-monthly': keepSpan,
    'within-yearly': keepSpan,
    /** In which days, weeks and the others begin. */
    timeZone: timeZone.default('UTC'),
  })
  .refine(({ timeZone: _, ...rules }) => Object.values(rules).some(Boolean), 'keeps nothing: no rule in it keeps any')

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
    /** Where each layer's root is, below the layer's folder; `{env}` is the environment's name. */
    root: rootTemplate.default(USUAL_ROOT),
    /** Partial backend configuration: a file of each root or of the layers' folder; without one the roots' `backend` blocks say all. */
    backendConfig: inside("must be a file of the roots or of the layers' folder").default('backend-config.hcl'),
    /** Location of the state bucket when it has to be created. */
    bucketLocation: z.string().default('US-EAST1'),
    program: path.refine(text => !text.startsWith('-'), 'must not begin with a hyphen').default('terraform'),
    cliConfig: path.optional(),
    /** In the order of application. */
    layers,
    /** How long another holder of a state's lock is waited for. */
    lockDeadline: duration.prefault('1m'),
    /** Values of the layers' variables that are in no file of the tree, such as secrets. */
    variables: z.record(z.string().regex(/^[A-Za-z_][\w-]*$/, "must be a variable's name"), given).default({}),
  }),

  access: z
    .strictObject({
      /** What the base layer's outputs `vm_name`, `project_id` and `zone` do not say. */
      vm: z.strictObject({ project: project.optional(), zone: zone.optional(), name: resourceName.optional() }).optional(),
      /** What its outputs `kube_context`, `api_local_port` and `kubeconfig_path` do not say. */
      kubernetes: z
        .strictObject({
          context: z
            .string()
            .regex(/^[\w.@:/-]+$/, "must be a context's name")
            .optional(),
          /** Local port of the tunnel to the API. */
          port: portNumber.optional(),
          kubeconfig: path.optional(),
        })
        .optional(),
      /** Without either as gcloud does it: the user of this name, with `~/.ssh/google_compute_engine`. */
      ssh: z
        .strictObject({
          user: z
            .string()
            .regex(/^[A-Za-z_][\w.-]*$/, "must be a user's name")
            .optional(),
          /** Private key; `~` is the home folder. With a user alone, the SSH agent's keys. */
          identityFile: path.optional(),
        })
        .default({}),
      kubectl: path.refine(text => !text.startsWith('-'), 'must not begin with a hyphen').default('kubectl'),
      /** What `tunnel` opens through the Kubernetes API, by name. */
      services: openedByName.default({}),
    })
    .prefault({}),

  k0s: z.strictObject({
    version: z.string().regex(/^v\d+\.\d+\.\d+\+k0s\.\d+$/, 'must look like v1.34.1+k0s.0'),
    binary: z
      .strictObject({ url: z.url().optional(), file: path.optional(), sha256 })
      .refine(({ url, file }) => (url === undefined) !== (file === undefined), 'needs either url or file'),
    /** Merged into the ClusterConfig's spec. */
    spec: z.record(z.string(), z.unknown()).default({}),
    deadline: duration.prefault('5m'),
  }),

  /** What starts and stops the VM every day, where something does; the toolkit does neither by it. */
  schedule: z
    .strictObject({ on: timeOfDay, off: timeOfDay, timeZone })
    .refine(({ on, off }) => on !== off, {
      path: ['off'],
      error: 'is the same time as on: a VM that is always on has no schedule',
    })
    .optional(),

  snapshots: z.strictObject({
    /** `up` takes one after each of these layers, once per state serial. */
    after: distinct(layer),
    /** Which of them `snapshot:prune` keeps; without it, all. */
    keep: keep.optional(),
  }),

  /** Databases whose contents are saved by themselves. */
  backups: z
    .strictObject({
      /** By default the state bucket. */
      bucket: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/, "must be a bucket's name")
        .optional(),
      databases: z.record(
        namespace,
        z.strictObject({
          /** The Deployment or StatefulSet that runs the server, as namespace/name. */
          workload: namespacedName('threads/postgres'),
          /** In that server. */
          database: identifier,
          /** Who can read all of it, and needs no password at the pod's local socket. */
          role: identifier,
        }),
      ),
    })
    .optional(),

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
          folder: z.literal('.').or(inside('must be a folder of the repository, or . for the repository itself')),
          /** File in that folder that holds the version; none for a service that has none. */
          versionFile: z.enum(['package.json', 'pyproject.toml']).optional(),
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
