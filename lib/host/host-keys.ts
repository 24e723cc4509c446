import { createHash } from 'node:crypto'
import { exitCodes, OpsError, precondition } from '../runtime/errors.ts'

/** The public keys that a host may present, parsed from lines of the form `ssh-ed25519 AAAA… [comment]`. */
export interface PinnedKeys {
  /** Signature algorithms to negotiate, so that the server presents a pinned key. */
  algorithms: string[]
  /** @returns undefined for a pinned key, else why the key is refused */
  refusal(key: Buffer): OpsError | undefined
}

/** The host presents another key than those that it may. */
export class OtherHostKey extends OpsError {
  constructor(message: string, hint: string) {
    super(exitCodes.precondition, message, hint)
  }
}

/** An RSA key signs with SHA-2; the algorithm of its own name uses SHA-1, which nobody accepts any more. */
const ALGORITHMS: Record<string, string[]> = { 'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'] }

/** @throws OpsError 4 when there is none */
export function pinnedKeys(name: string, lines: string[]): PinnedKeys {
  const keys = lines.map(line => line.trim().split(/\s+/)).flatMap(([type, key]) => (type && key ? [{ type, key }] : []))
  if (keys.length === 0) {
    throw precondition(
      `${name} has published no SSH host keys`,
      'is it still booting? Check its serial console, then run it again',
    )
  }
  return {
    algorithms: [...new Set(keys.flatMap(({ type }) => ALGORITHMS[type] ?? [type]))],
    refusal(shown) {
      const text = shown.toString('base64')
      if (keys.some(({ key }) => key === text)) return undefined
      const known = keys.map(({ key }) => fingerprint(Buffer.from(key, 'base64'))).join(' or ')
      return new OtherHostKey(
        `${name} presents another SSH host key: ${fingerprint(shown)}, expected ${known}`,
        'this may be a man-in-the-middle attack: do not go on until you know why; a re-created VM publishes new keys in its guest attributes',
      )
    },
  }
}

/** As `ssh-keygen -l` prints it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
