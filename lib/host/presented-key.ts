import type { Duplex } from 'node:stream'
import { NodeSSH } from 'node-ssh'
import { waitFor } from '../runtime/wait.ts'
import { HANDSHAKE_MS, isRefusedKey, orNotYet } from './connection.ts'
import { fingerprint, type PinnedKeys, pinnedKeys } from './host-keys.ts'

export interface PresentedKey {
  /** `ssh-ed25519 AAAA…` */
  line: string
  /** As `ssh-keygen -l` prints it. */
  fingerprint: string
}

/**
 * The host key that a host proves to have, without logging in.
 * @param known where there are any, the only acceptable ones; they decide of which type it is
 * @throws OpsError 4 for another than the known ones, 124 at the deadline, 130
 */
export async function presentedKey({
  name,
  dial,
  known,
  within,
  signal,
}: {
  name: string
  dial: () => Promise<Duplex>
  known: string[]
  /** In milliseconds: the host may be booting. */
  within: number
  signal: AbortSignal
}): Promise<PresentedKey> {
  const pinned = known.length > 0 ? pinnedKeys(name, known) : undefined
  return waitFor({
    what: `the SSH host key of ${name}`,
    within,
    signal,
    hint: `is ${name} running? Check its serial console, then run the same command again`,
    probe: () => shown(dial, pinned),
  })
}

/** A host that lets somebody without a key in, or not, has finished the key exchange, which proves that the key is its own. */
async function shown(dial: () => Promise<Duplex>, pinned: PinnedKeys | undefined): Promise<PresentedKey> {
  const sock = await orNotYet(dial)
  const ssh = new NodeSSH()
  let key: Buffer | undefined
  let refusal: Error | undefined
  try {
    await ssh.connect({
      sock,
      username: 'nobody',
      readyTimeout: HANDSHAKE_MS,
      ...(pinned && { algorithms: { serverHostKey: pinned.algorithms as never } }),
      hostVerifier: (presented: Buffer) => {
        key = presented
        refusal = pinned?.refusal(presented)
        return refusal === undefined
      },
    })
  } catch (error) {
    if (refusal) throw refusal
    if (!isRefusedKey(error)) throw error
  } finally {
    ssh.dispose()
    sock.destroy()
  }
  if (!key) throw new Error('the connection closed before the host showed its key')
  return { line: `${typeOf(key)} ${key.toString('base64')}`, fingerprint: fingerprint(key) }
}

/** A public key begins with the length and the name of its type. */
const typeOf = (key: Buffer): string => key.toString('latin1', 4, 4 + key.readUInt32BE(0))
