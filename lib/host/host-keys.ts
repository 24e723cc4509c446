import { createHash } from 'node:crypto'
import { type OpsError, precondition } from '../runtime/errors.ts'

/** Public keys that a host may show, parsed from lines of the form `ssh-ed25519 AAAA… [comment]`. */
export interface PinnedKeys {
  /** Signature algorithms to negotiate, so that the server shows a key that is pinned. */
  algorithms: string[]
  /** @returns undefined for a pinned key, else why it is none */
  refusal(key: Buffer): OpsError | undefined
}

/** An RSA key signs with SHA-2; its own name stands for SHA-1, which nobody accepts any more. */
const ALGORITHMS: Record<string, string[]> = { 'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'] }

/** @throws OpsError 4 when there is none: an unknown host is never trusted on first use */
export function pinnedKeys(name: string, lines: string[]): PinnedKeys {
  const keys = lines.map(line => line.trim().split(/\s+/)).flatMap(([type, key]) => (type && key ? [{ type, key }] : []))
  if (keys.length === 0) {
    throw precondition(
      `${name} has published no SSH host keys`,
      'is it still booting? Look at its serial console, then run again',
    )
  }
  return {
    algorithms: [...new Set(keys.flatMap(({ type }) => ALGORITHMS[type] ?? [type]))],
    refusal(shown) {
      const text = shown.toString('base64')
      if (keys.some(({ key }) => key === text)) return undefined
      const known = keys.map(({ key }) => fingerprint(Buffer.from(key, 'base64'))).join(' or ')
      return precondition(
        `${name} shows another SSH host key: ${fingerprint(shown)}, expected ${known}`,
        'somebody may be in between: do not go on before you know why; a VM made anew publishes new keys in its guest attributes',
      )
    },
  }
}

/** As `ssh-keygen -l` prints it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
