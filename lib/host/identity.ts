import { readFile } from 'node:fs/promises'
import { command } from '../model/shell.ts'
import { type OpsError, precondition, systemCode } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { neverShow } from '../runtime/redact.ts'
import { shell } from '../runtime/zx.ts'

/** Either a private key's text or the SSH agent's socket, as ssh2 expects them. */
export type Identity = { privateKey: string } | { agent: string }

/**
 * The private key file when one is configured, otherwise the SSH agent.
 * @throws OpsError 4 for a file that is missing, unreadable or no private key that ssh2 reads, or when there is neither
 */
export async function loadIdentity(identityFile: string | undefined, agent = process.env.SSH_AUTH_SOCK): Promise<Identity> {
  if (identityFile === undefined) {
    if (agent) return { agent }
    throw precondition(
      'no SSH key: no identity file is configured, and no SSH agent is running',
      'start one: eval $(ssh-agent); ssh-add',
    )
  }
  const text = await readKey(identityFile)
  const refusal = unusable(identityFile, text)
  if (refusal) throw refusal
  neverShow(text)
  return { privateKey: text }
}

/**
 * The public half of a private key: of the file itself where it can be read without a passphrase, else of the `.pub` beside it.
 * @returns `ssh-ed25519 AAAA…`; undefined where neither says it
 * @throws OpsError 4 as `loadIdentity`
 */
export async function loadPublicKey(identityFile: string): Promise<string | undefined> {
  await loadIdentity(identityFile)
  const { exitCode, stdout } = await shell({ nothrow: true })`ssh-keygen -y -P ${''} -f ${identityFile}`
  const text = exitCode === 0 ? stdout : await readNamed(`${identityFile}.pub`)
  return /^\s*([a-z][\w@.-]+ [A-Za-z0-9+/]+=*)(?:\s|$)/.exec(text ?? '')?.[1]
}

async function readKey(identityFile: string): Promise<string> {
  try {
    return await readFile(identityFile, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'EISDIR')
      throw precondition(
        `the SSH key ${identityFile} is a folder`,
        'set access.ssh.identityFile to the file of a private key',
        error,
      )
    const missing = systemCode(error) === 'ENOENT'
    throw precondition(
      missing ? `there is no SSH key ${identityFile}` : `the SSH key ${identityFile} can't be read: ${systemCode(error)}`,
      missing ? command`make one: ssh-keygen -t ed25519 -f ${identityFile}` : 'check its owner and mode',
      error,
    )
  }
}

const PUBLIC = /^(?:ssh-|ecdsa-|sk-)[\w@.-]+ |^-+ ?BEGIN (?:SSH2 |RSA )?PUBLIC KEY/
const PKCS8 = /^-+BEGIN (?:ENCRYPTED )?PRIVATE KEY-/
const PRIVATE = /^-+BEGIN [A-Z0-9 ]*PRIVATE KEY-|^PuTTY-User-Key-File-/

/** Why the text of a key file can't be used, as far as its first line says so. */
function unusable(file: string, text: string): OpsError | undefined {
  const start = text.trimStart()
  if (PUBLIC.test(start)) {
    const other = file.endsWith('.pub') ? `name ${file.slice(0, -'.pub'.length)}, ` : 'name '
    return precondition(`${file} is the public half of an SSH key`, `${other}the private half, in access.ssh.identityFile`)
  }
  if (PKCS8.test(start))
    return precondition(
      `the SSH key ${file} is in the form PKCS#8, which is not read here`,
      command`convert it: ssh-keygen -p -f ${file}`,
    )
  if (!PRIVATE.test(start)) return precondition(`${file} is not an SSH private key`, 'use a key that ssh-keygen made')
  return undefined
}
