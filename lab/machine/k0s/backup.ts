import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isAlive, type ProcessId } from '../../../lib/runtime/processes.ts'
import { signal } from '../process.ts'
import { RUN_DIRECTORY, storeOf } from './components.ts'
import { parseConfig } from './config.ts'
import { ownAddress } from './controller.ts'
import { K0sError } from './errors.ts'
import { requireRoot } from './service.ts'
import { askStatus, isRunning } from './status.ts'

/** Folders of the data directory that a backup includes, besides the cluster's state. As with k0s, volumes are not among them. */
const KEPT = ['pki', 'manifests', 'images', 'helm']

/** What the cluster's state is called in an archive, by what stores it. */
const STATES = { etcd: 'etcd', kine: 'kine-state-backup.db' }

const timestamp = (): string => new Date().toISOString().replace(/:/g, '_')

/**
 * `k0s backup --save-path D|-`. Where k0s asks etcd or SQLite for a snapshot, this copies etcd's folder while etcd is stopped: like
 * a power failure at that moment, which etcd's write-ahead log is made for.
 */
export async function backup(args: readonly string[]): Promise<void> {
  requireRoot()
  const { values } = parseArgs({
    args: [...args],
    options: { 'save-path': { type: 'string' }, 'data-dir': { type: 'string' } },
  })
  const savePath = values['save-path'] ?? process.cwd()
  const status = await askStatus().catch(() => {
    throw new K0sError('this command must be run while k0s is running')
  })
  const dataDir = String(status.K0sVars.DataDir)
  const config = String(status.K0sVars.StartupConfigPath)
  const work = mkdtempSync(join(tmpdir(), 'k0s-backup-'))
  try {
    for (const name of KEPT.filter(name => existsSync(join(dataDir, name)))) copy(join(dataDir, name), join(work, name))
    const store = storeOf(status.ClusterConfig, dataDir)
    standstill(store.name, () => copy(store.folder, join(work, STATES[store.name])))
    if (existsSync(config)) cpSync(config, join(work, 'k0s.yaml'))
    if (savePath === '-') {
      execFileSync('tar', ['-C', work, '-czf', '-', '.'], { stdio: ['ignore', 'inherit', 'inherit'] })
      return
    }
    if (!existsSync(savePath)) throw new K0sError(`the save-path directory ${savePath} does not exist`)
    const archive = join(resolve(savePath), `k0s_backup_${timestamp()}.tar.gz`)
    execFileSync('tar', ['-C', work, '-czf', archive, '.'])
    process.stdout.write(`archive ${archive} created successfully\n`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** `k0s restore F|-`: restores the parts of the data directory; the configuration is written to the working directory. */
export async function restore(args: readonly string[]): Promise<void> {
  requireRoot()
  const options = { 'config-out': { type: 'string' }, 'data-dir': { type: 'string' } } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [archive] = positionals
  if (!archive) throw new K0sError('path to backup archive expected')
  if (await isRunning()) throw new K0sError('k0s seems to be running! k0s must be down during the restore operation.')
  if (archive !== '-' && !existsSync(archive)) throw new K0sError(`given file ${archive} does not exist`)
  const dataDir = values['data-dir'] ?? '/var/lib/k0s'
  const work = mkdtempSync(join(tmpdir(), 'k0s-restore-'))
  try {
    execFileSync('tar', ['-C', work, '-xzf', archive], { stdio: ['inherit', 'ignore', 'pipe'] })
    const config = join(work, 'k0s.yaml')
    const text = existsSync(config) ? readFileSync(config, 'utf8') : ''
    // A configuration without a storage is one for --single if the archive holds kine's.
    const isKine = existsSync(join(work, STATES.kine))
    const { name, folder } = storeOf(parseConfig(text, ownAddress(), isKine, dataDir), dataDir)
    if (!existsSync(join(work, STATES[name]))) throw new K0sError(`the archive holds no ${name} data`)
    const parts = KEPT.filter(part => existsSync(join(work, part))).map(
      part => [join(work, part), join(dataDir, part)] as const,
    )
    for (const [from, to] of [...parts, [join(work, STATES[name]), folder] as const]) {
      rmSync(to, { recursive: true, force: true })
      mkdirSync(dirname(to), { recursive: true })
      copy(from, to)
    }
    if (existsSync(config)) cpSync(config, values['config-out'] ?? `k0s_${timestamp()}.yaml`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function standstill(store: string, work: () => void): void {
  const etcd = JSON.parse(readFileSync(join(RUN_DIRECTORY, `${store}.pid`), 'utf8')) as ProcessId
  if (!isAlive(etcd)) throw new K0sError(`${store} is not running`)
  signal(etcd, 'SIGSTOP')
  try {
    work()
  } finally {
    signal(etcd, 'SIGCONT')
  }
}

function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to])
}
