import { parseArgs } from 'node:util'
import { K0sError } from './errors.ts'

const DATA_DIRECTORY = '/var/lib/k0s'

const SWITCHES = ['single', 'enable-worker', 'no-taints', 'enable-dynamic-config', 'enable-metrics-scraper', 'debug', 'verbose']
const VALUES = [
  'data-dir',
  'kubelet-root-dir',
  'config',
  'kubelet-extra-args',
  'token-file',
  'status-socket',
  'profile',
  'cri-socket',
]
const LISTS = ['disable-components', 'labels', 'taints']

/** Flags of `k0s controller`, which `install controller` writes into the unit. */
export interface ControllerFlags {
  single: boolean
  enableWorker: boolean
  noTaints: boolean
  dataDir: string
  config?: string
  hostname?: string
  labels: Record<string, string>
  /** As written in the unit: `--name=value`, sorted by name. */
  normalized: string[]
}

export interface InstallFlags extends ControllerFlags {
  environment: string[]
  force: boolean
  start: boolean
}

/** @throws K0sError for a flag that `k0s controller` does not have */
export function parseControllerFlags(args: readonly string[], installing = false): InstallFlags {
  const switches = installing ? [...SWITCHES, 'force', 'start'] : SWITCHES
  const lists = installing ? [...LISTS, 'env'] : LISTS
  const options = {
    ...Object.fromEntries(switches.map(name => [name, { type: 'boolean' as const }])),
    ...Object.fromEntries(
      VALUES.map(name => [name, { type: 'string' as const, ...(name === 'config' ? { short: 'c' } : {}) }]),
    ),
    ...Object.fromEntries(
      lists.map(name => [
        name,
        { type: 'string' as const, multiple: true as const, ...(name === 'env' ? { short: 'e' } : {}) },
      ]),
    ),
  }
  // pflag accepts `--switch=true`, which parseArgs does not.
  const plain = args
    .filter(arg => !switches.some(name => arg === `--${name}=false`))
    .map(arg => (switches.some(name => arg === `--${name}=true`) ? arg.slice(0, -'=true'.length) : arg))
  let values: Record<string, string | boolean | string[] | undefined>
  try {
    values = parseArgs({ args: plain, options }).values as typeof values
  } catch (error) {
    const unknown = /Unknown option '(--?[^']+)'/.exec((error as Error).message)?.[1]
    throw new K0sError(unknown ? `unknown flag: ${unknown}` : (error as Error).message)
  }
  const text = (name: string) => values[name] as string | undefined
  const list = (name: string) => (values[name] as string[] | undefined) ?? []
  return {
    single: values.single === true,
    enableWorker: values['enable-worker'] === true || values.single === true,
    noTaints: values['no-taints'] === true || values.single === true,
    dataDir: text('data-dir') ?? DATA_DIRECTORY,
    config: text('config'),
    hostname: /--hostname-override=(\S+)/.exec(text('kubelet-extra-args') ?? '')?.[1],
    labels: Object.fromEntries(
      list('labels')
        .flatMap(labels => labels.split(','))
        .map(label => [label.split('=')[0] ?? '', label.split('=')[1] ?? '']),
    ),
    normalized: [...SWITCHES, ...VALUES, ...LISTS]
      .filter(name => values[name] !== undefined)
      .sort()
      .map(name => `--${name}=${Array.isArray(values[name]) ? list(name).join(',') : values[name]}`),
    environment: list('env'),
    force: values.force === true,
    start: values.start === true,
  }
}

/** Separates k0s's `--data-dir` from the remaining arguments, which are for another program. */
export function takeDataDir(args: readonly string[]): { dataDir: string; rest: string[] } {
  const end = args.indexOf('--')
  const at = args.findIndex((arg, index) => /^--data-dir(=|$)/.test(arg) && (end < 0 || index < end))
  if (at < 0) return { dataDir: DATA_DIRECTORY, rest: [...args] }
  const [, value] = /^--data-dir=(.*)/.exec(args[at] ?? '') ?? []
  const rest = [...args.slice(0, at), ...args.slice(at + (value === undefined ? 2 : 1))]
  return { dataDir: value ?? args[at + 1] ?? DATA_DIRECTORY, rest }
}
