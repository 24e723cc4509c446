/** The k0s stand-in: `cli.ts <path of the binary> <its version> <arguments of k0s>`. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { arch, cpus, hostname, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { programPath } from '../../tools/catalog.ts'
import { backup, restore } from './backup.ts'
import { defaultConfig, parseConfig } from './config.ts'
import { loadConfig, ownAddress, runController } from './controller.ts'
import { K0sError } from './errors.ts'
import { handleEtcd } from './etcd.ts'
import { takeDataDir } from './flags.ts'
import { ADMIN, kubeconfig } from './pki.ts'
import { install, requireRoot, reset, start, stop } from './service.ts'
import { askStatus } from './status.ts'

const [binary = '', version = '', command = '', ...args] = process.argv.slice(2)

const print = (text: string) => process.stdout.write(`${text}\n`)
const printJson = (value: unknown) => print(JSON.stringify(value, null, 3))

/** `-o json` among the arguments. */
const wantsJson = (): boolean =>
  parseArgs({ args, strict: false, options: { out: { type: 'string', short: 'o' } } }).values.out === 'json'

function showVersion(): void {
  const kubernetes = version.replace(/\+.*/, '')
  const all = {
    k0s: version,
    runc: '1.3.1',
    containerd: '1.7.28',
    kubernetes: kubernetes.slice(1),
    kine: '0.14.0',
    etcd: '3.6.5',
    konnectivity: '0.34.0',
  }
  if (args.includes('-j') || args.includes('--json')) printJson(all)
  else print(version)
}

async function showStatus(): Promise<void> {
  const status = await askStatus()
  if (wantsJson()) {
    printJson(status)
    return
  }
  print(`Version: ${status.Version}\nProcess ID: ${status.Pid}\nRole: ${status.Role}\nWorkloads: ${status.Workloads}`)
  print(`SingleNode: ${status.SingleNode}`)
}

async function showKubeconfig(): Promise<void> {
  const [subject] = args
  if (subject !== 'admin') throw new K0sError(`unknown command "${subject ?? ''}" for "k0s kubeconfig"`)
  const { values } = parseArgs({ args: args.slice(1), strict: false, options: { 'data-dir': { type: 'string' } } })
  const dataDir = String(values['data-dir'] ?? '/var/lib/k0s')
  const pki = join(dataDir, 'pki')
  const key = join(pki, 'admin.key')
  if (!existsSync(key)) {
    throw new K0sError(`admin PKI file "${key}" not found, check if the control plane is initialized on this node`)
  }
  // A configuration without storage may be one for --single; here only the address matters.
  const running = await askStatus().catch(() => undefined)
  const { api } = (running?.ClusterConfig ?? loadConfig({ single: false, dataDir })).spec
  process.stdout.write(kubeconfig(pki, ADMIN, `https://${api.externalAddress ?? api.address}:${api.port}`))
}

function handleConfig(): void {
  const [verb, ...rest] = args
  const { values } = parseArgs({ args: rest, strict: false, options: { config: { type: 'string', short: 'c' } } })
  if (verb === 'create') process.stdout.write(stringify(defaultConfig(ownAddress())))
  else if (verb === 'validate') {
    const path = String(values.config ?? '')
    if (!existsSync(path)) throw new K0sError(`failed to read config: open ${path}: no such file or directory`)
    parseConfig(readFileSync(path, 'utf8'), ownAddress(), false)
  } else throw new K0sError(`unknown command "${verb ?? ''}" for "k0s config"`)
}

async function createToken(): Promise<void> {
  requireRoot()
  const status = await askStatus()
  if (status.SingleNode) throw new K0sError('refusing to create token: cannot join into a single node cluster')
  throw new K0sError('the lab has one node: no other can join')
}

function showSystem(): void {
  const facts = {
    'Machine ID': existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8').trim() : '',
    'Operating system': 'Linux',
    'Linux kernel release': release(),
    'Host name': hostname(),
    Architecture: arch(),
    CPUs: cpus().length,
    'Total memory': `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
  }
  if (wantsJson()) printJson(Object.entries(facts).map(([prop, value]) => ({ prop, value: String(value), category: 'pass' })))
  else for (const [prop, value] of Object.entries(facts)) print(`${prop}: ${value} (pass)`)
}

/** kubectl as the administrator, unless KUBECONFIG names somebody else; `--data-dir` is k0s's own flag. */
function runKubectl(): void {
  const built = programPath('kubectl')
  const { dataDir, rest } = takeDataDir(args)
  const { status, error } = spawnSync(existsSync(built) ? built : 'kubectl', rest, {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: process.env.KUBECONFIG || join(dataDir, 'pki/admin.conf') },
  })
  if (error) throw new K0sError(error.message)
  process.exitCode = status ?? 1
}

const commands: Record<string, () => void | Promise<void>> = {
  version: showVersion,
  install: () => install(binary, args),
  start,
  stop,
  status: showStatus,
  kubeconfig: showKubeconfig,
  config: handleConfig,
  etcd: () => handleEtcd(args),
  reset: () => reset(args),
  backup: () => backup(args),
  restore: () => restore(args),
  token: createToken,
  sysinfo: showSystem,
  kubectl: runKubectl,
  kc: runKubectl,
  controller: () => {
    requireRoot()
    return runController(binary, version, args)
  },
}

try {
  const run = commands[command]
  if (!run) throw new K0sError(`unknown command "${command}" for "k0s"`)
  await run()
} catch (error) {
  process.stderr.write(`Error: ${(error as Error).message}\n`)
  process.exitCode = 1
}
