import { readFile } from 'node:fs/promises'
import { precondition, systemCode } from '../runtime/errors.ts'

/** Either a private key's text or the SSH agent's socket, as ssh2 expects them. */
export type Identity = { privateKey: string } | { agent: string }

/**
 * The private key file when one is configured, otherwise the SSH agent.
 * @throws OpsError 4 for a file that is missing or unreadable, or when there is neither
 */
export async function loadIdentity(identityFile: string | undefined, agent = process.env.SSH_AUTH_SOCK): Promise<Identity> {
  if (identityFile === undefined) {
    if (agent) return { agent }
    throw precondition(
      'no SSH key: no identity file is configured, and no SSH agent is running',
      'start one: eval $(ssh-agent); ssh-add',
    )
  }
  try {
    return { privateKey: await readFile(identityFile, 'utf8') }
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT'
    throw precondition(
      missing ? `there is no SSH key ${identityFile}` : `the SSH key ${identityFile} can't be read: ${systemCode(error)}`,
      missing ? `make one: ssh-keygen -t ed25519 -f ${identityFile}` : 'check its owner and mode',
      error,
    )
  }
}
