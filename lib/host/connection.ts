import type { Duplex } from 'node:stream'
import { NodeSSH } from 'node-ssh'
import type { Client } from 'ssh2'
import { command } from '../model/shell.ts'
import { exitCodes, OpsError, precondition } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import { waitFor } from '../runtime/wait.ts'
import { type PinnedKeys, pinnedKeys } from './host-keys.ts'
import { type Identity, loadIdentity } from './identity.ts'

export interface ConnectionOptions {
  /** What messages call the host: the VM's name. */
  name: string
  /** Opens a byte stream to the host's sshd. An OpsError is final unless its code is 5 or 124; any other error counts as "not yet". */
  dial: () => Promise<Duplex>
  /** What to make of a connection that was lost, or of a host that has gone silent; the error itself where nothing better is known. */
  explain?: (error: unknown) => Promise<unknown>
  /** After how many milliseconds without a word from the host that is asked. */
  silence?: number
  user: string
  /** Private key file; without it, the SSH agent's keys. */
  identityFile?: string
  /** The only acceptable host keys, as `ssh-ed25519 AAAA…`. */
  hostKeys: string[]
  signal: AbortSignal
  log: Pick<Log, 'debug'>
  /** How long the host may take to answer, in milliseconds: it may be booting. */
  within?: number
  /** How long a refused key is tried again, in milliseconds: on a booting VM sshd answers before the guest agent has installed the keys. */
  keysWithin?: number
}

export interface Connection {
  client: Client
  isOpen(): boolean
  /** Milliseconds since the host was last heard of. While it is well that is never much more than half of `silence`. */
  silentFor(): number
  close(): void
}

const ANSWERS_WITHIN_MS = 120_000
const KEYS_WITHIN_MS = 20_000
export const HANDSHAKE_MS = 20_000
const PAUSE_MS = 1000
/** After so many milliseconds without a word it is worth asking whether the host is still there: it answers twice in that time. */
export const SILENCE_MS = 8000
/** Unanswered questions after which the connection is given up: with the usual silence, after three quarters of a minute. */
const KEEPALIVES = 10

/**
 * Connects; until the deadline it tries again where time may help: with a host that refuses, resets or does not listen yet.
 * @throws OpsError 4 for an unknown host key (at once), a refused key or an unusable key file; 124 at the deadline; 130
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const { name, user, signal, log, within = ANSWERS_WITHIN_MS, keysWithin = KEYS_WITHIN_MS } = options
  const pinned = pinnedKeys(name, options.hostKeys)
  const identity = await loadIdentity(options.identityFile)
  const started = performance.now()
  return waitFor({
    what: `SSH on ${name}`,
    within,
    every: PAUSE_MS,
    signal,
    hint: `is ${name} running? Check its serial console, then run the same command again`,
    probe: async () => {
      try {
        return await attempt(options, identity, pinned)
      } catch (error) {
        const explained = explain(error, options)
        log.debug(`ssh ${user}@${name}: ${explained.message}`)
        if (isRefusedKey(error) && performance.now() - started < keysWithin)
          throw new NotYet(explained.message, { cause: error })
        throw explained
      }
    },
  })
}

/** Nothing listens behind the relay yet: the VM may be booting. */
class NotYet extends Error {}

async function attempt(
  { dial, user, silence = SILENCE_MS }: ConnectionOptions,
  identity: Identity,
  pinned: PinnedKeys,
): Promise<Connection> {
  const sock = await orNotYet(dial)
  const ssh = new NodeSSH()
  let refusal: OpsError | undefined
  try {
    await ssh.connect({
      sock,
      username: user,
      ...identity,
      ...{ keepaliveInterval: silence / 2, keepaliveCountMax: KEEPALIVES },
      readyTimeout: HANDSHAKE_MS,
      algorithms: { serverHostKey: pinned.algorithms as never },
      hostVerifier: (key: Buffer) => {
        refusal = pinned.refusal(key)
        return refusal === undefined
      },
    })
  } catch (error) {
    sock.destroy()
    throw refusal ?? error
  }
  const client = ssh.connection
  if (!client) throw new Error('the connection closed right after it was made')
  // Whoever waits for a command learns of a lost connection from its channel; without a listener the error would end the process.
  client.on('error', () => undefined)
  let heard = performance.now()
  sock.on('data', () => {
    heard = performance.now()
  })
  return {
    client,
    isOpen: () => ssh.isConnected(),
    silentFor: () => performance.now() - heard,
    close: () => {
      ssh.dispose()
      sock.destroy()
    },
  }
}

const NOT_YET: number[] = [exitCodes.external, exitCodes.timeout]

/** Dials; what time may mend is no OpsError, so that a wait goes on. */
export const orNotYet = (dial: () => Promise<Duplex>): Promise<Duplex> =>
  dial().catch(error => {
    throw error instanceof OpsError && NOT_YET.includes(error.code) ? new NotYet(error.message, { cause: error }) : error
  })

export const isRefusedKey = (error: unknown): boolean => (error as { level?: string }).level === 'client-authentication'

/** What only a person can fix, as an OpsError; everything else unchanged. */
function explain(error: unknown, { name, user, identityFile }: ConnectionOptions): Error {
  const { message } = error as Error
  if (isRefusedKey(error)) {
    return precondition(
      `${name} refuses ${identityFile ? `the key ${identityFile}` : "the SSH agent's keys"} for user ${user}`,
      identityFile
        ? "the VM's metadata let it in: look on its serial console whether the guest agent runs and took the key"
        : 'add the public half of one to ssh_keys in the variables of the base layer, then run `./taskw up`; or name a key in access.ssh.identityFile',
      error,
    )
  }
  if (/passphrase/i.test(message)) {
    return precondition(
      `the SSH key ${identityFile} has a passphrase`,
      command`ssh-add ${identityFile}, and have access.ssh say user: ${user} and no identityFile, so that the agent is used`,
      error,
    )
  }
  if (/Cannot parse privateKey|does not contain a \(valid\) private key/i.test(message)) {
    return precondition(`${identityFile} is not an SSH private key`, 'use a key that ssh-keygen made', error)
  }
  return error as Error
}
