import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { configuredPath } from '../config/load.ts'
import { OtherHostKey } from '../host/host-keys.ts'
import { presentedKey } from '../host/presented-key.ts'
import { hostAlias, keysOfHost } from '../model/access/known-hosts.ts'
import { publishesHostKeys } from '../model/access/login.ts'
import { knownHosts } from '../model/access/ssh.ts'
import { SSH_PORT } from '../model/ports.ts'
import { command } from '../model/shell.ts'
import { isDiskFull, MAKE_ROOM, precondition, systemCode } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import type { Context } from './context.ts'
import { publishedKeys } from './published-keys.ts'

type Asked = Pick<Context, 'compute' | 'output' | 'baseLayer' | 'dial' | 'signal' | 'log'>

/** gcloud's own: what one of us has seen, the other one knows. */
const FILE = '~/.ssh/google_compute_known_hosts'
const ANSWERS_WITHIN_MS = 120_000

/**
 * The only host keys that are accepted: those that the guest publishes, and of a VM without guest attributes the one that it showed when it
 * was first met, by the instance's id.
 * @throws OpsError 4 when it shows another key than then, or the VM is off or gone; 124
 */
export async function acceptedHostKeys(
  vm: string,
  context: Asked,
  { within, file = configuredPath(FILE) }: { within?: number | undefined; file?: string } = {},
): Promise<string[]> {
  const login = await (await context.compute()).login(vm)
  if (!login || publishesHostKeys(login)) return publishedKeys(vm, context, { within })
  const alias = hostAlias(login.id)
  const text = (await readNamed(file)) ?? ''
  const known = keysOfHost(text, alias)
  const dial = () => context.dial(SSH_PORT)
  const { signal, log } = context
  const shown = await presentedKey({ name: vm, dial, known, within: within ?? ANSWERS_WITHIN_MS, signal }).catch(error => {
    throw known.length > 0 ? changed(error, { vm, alias, file }) : error
  })
  if (known.length > 0) return known
  await remember(file, text, knownHosts(alias, [shown.line]))
  log.warn(
    `first use of ${vm}, which publishes no host keys (instance ${login.id}): from now on its key ${shown.fingerprint} is trusted, and no other; ${file}`,
  )
  return [shown.line]
}

/** One write at the end, so that what others add meanwhile stays. */
async function remember(file: string, before: string, line: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await appendFile(file, before === '' || before.endsWith('\n') ? line : `\n${line}`, { mode: 0o600 })
  } catch (error) {
    if (isDiskFull(error)) throw precondition(`${file}: no space left on device`, MAKE_ROOM, error)
    throw precondition(`${file} can't be written: ${systemCode(error)}`, 'check the owner and mode of it and its folder', error)
  }
}

/** Another key of the same instance: its id would be another one had it been made again. */
function changed(error: unknown, { vm, alias, file }: { vm: string; alias: string; file: string }): unknown {
  if (!(error instanceof OtherHostKey)) return error
  const forget = command`ssh-keygen -R ${alias} -f ${file}`
  return precondition(
    `${error.message}, which ${vm} showed when it was first used`,
    `this may be a man-in-the-middle attack: do not go on until you know why. The VM's serial console shows its keys when it boots; if this one is among them, forget the old one: \`${forget}\``,
    error,
  )
}
