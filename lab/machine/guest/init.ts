/**
 * Runs a machine from its boot to its end: host names, service manager, and Google's guest agent, which creates accounts and
 * host keys from metadata, runs the startup script and reacts to a preemption. It is the only child of process 1.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { outliveLog } from '../../lifecycle/last-words.ts'
import { writeWhole } from '../write-whole.ts'
import { type Accounts, accountsOf, applyAccounts } from './accounts.ts'
import { serveControl } from './control.ts'
import { type Metadata, metadataChanges } from './metadata.ts'
import { Services } from './services.ts'
import { prepareSsh, publishHostKeys, sshUnit } from './ssh.ts'

const HERE = '/usr/local/lab/checkout/lab/machine/guest'

/** Milliseconds after which sshd starts even without an answer from the metadata server. */
const METADATA_PATIENCE = 10_000

/** Milliseconds between two checks whether the disk is writable. */
const LOOK_EVERY = 5_000

const log = (text: string) => process.stdout.write(`${new Date().toISOString()} ${text}\n`)

function nameMachine(): void {
  const name = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()
  writeWhole('/etc/hostname', `${name}\n`)
  writeWhole(
    '/etc/hosts',
    `127.0.0.1 localhost\n127.0.1.1 ${name}\n169.254.169.253 git.lab registry.lab\n169.254.169.254 metadata.google.internal metadata\n`,
  )
  writeWhole('/etc/resolv.conf', 'nameserver 169.254.169.254\n')
}

/** Installs the service manager's commands ahead of the distribution's on PATH, which would look for systemd. */
function installCommands(): void {
  mkdirSync('/usr/local/bin', { recursive: true })
  const node = `exec /usr/local/lab/node ${HERE}/systemctl.ts`
  for (const [name, text] of [
    ['systemctl', `#!/bin/sh\n${node} "$@"\n`],
    // Clients detect the service manager by this program's existence.
    ['systemd', `#!/bin/sh\n${node} --version\n`],
    ['poweroff', `#!/bin/sh\n${node} poweroff\n`],
    ['shutdown', `#!/bin/sh\n${node} poweroff\n`],
    ['journalctl', readFileSync(`${HERE}/journalctl.sh`, 'utf8')],
  ] as const) {
    writeWhole(`/usr/local/bin/${name}`, text, 0o755)
  }
}

function installUnits(): void {
  mkdirSync('/run/systemd/system', { recursive: true })
  writeFileSync('/run/systemd/system/ssh.service', sshUnit)
  symlinkSync('ssh.service', '/run/systemd/system/sshd.service')
}

function runStartupScript(script: string): void {
  writeFileSync('/run/startup-script', script, { mode: 0o700 })
  const child = spawn('/run/startup-script', { cwd: '/', stdio: ['ignore', 'inherit', 'inherit'] })
  child.once('error', error => log(`startup-script: ${error.message}`))
  child.once('exit', code => log(`startup-script exit status ${code}`))
}

const services = new Services()
let poweringOff = false

async function powerOff(why: string): Promise<void> {
  if (poweringOff) return
  poweringOff = true
  log(`powering off: ${why}`)
  await services.stopAll()
  // The service manager's sockets and the open metadata request would keep this process alive forever.
  process.exit()
}

async function startSsh(metadata: Metadata | undefined): Promise<void> {
  const id = metadata?.instance?.id
  if (prepareSsh(id === undefined ? undefined : String(id))) await services.stop('ssh.service')
  await services.start('ssh.service')
  if (metadata) await publishHostKeys()
}

/** What fails here must not prevent the machine from working. */
function updateAccounts(metadata: Metadata, earlier: Accounts | undefined): Accounts {
  const wanted = accountsOf(metadata, new Date())
  if (isDeepStrictEqual(wanted, earlier)) return wanted
  try {
    applyAccounts(wanted, log)
  } catch (error) {
    log(`accounts: ${(error as Error).message}`)
  }
  return wanted
}

async function runAgent(): Promise<void> {
  let accounts: Accounts | undefined
  let booted = false
  const changes = metadataChanges()
  let next = changes.next()
  const early = await Promise.race([next, sleep(METADATA_PATIENCE)])
  if (!early) await startSsh(undefined)
  for (let change = await next; !change.done; next = changes.next(), change = await next) {
    const metadata = change.value
    accounts = updateAccounts(metadata, accounts)
    if (metadata.instance?.preempted?.toUpperCase() === 'TRUE') return await powerOff('preempted')
    if (booted) continue
    booted = true
    await startSsh(metadata)
    const script = metadata.instance?.attributes?.['startup-script']
    if (script) runStartupScript(script)
  }
}

/**
 * When the host fails a write before the machine has been powered off, the file system becomes read-only until the next mount,
 * and nothing in the machine works any more. This ends the machine, so that it shows as off and can be booted again.
 */
function watchDisk(): void {
  setInterval(() => {
    try {
      utimesSync('/etc/hostname', new Date(), new Date())
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'EROFS' && code !== 'EIO') return
      log(`the disk takes no writes: ${message}`)
      process.exit(1)
    }
  }, LOOK_EVERY)
}

outliveLog()
process.on('SIGTERM', () => void powerOff('the power button was pressed'))
nameMachine()
installCommands()
installUnits()
serveControl(services, () => void powerOff('an operator asked for it'))
void services.startEnabled()
watchDisk()
log('booted')
await runAgent()
