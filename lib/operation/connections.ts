import { setTimeout as sleep } from 'node:timers/promises'
import { configuredPath } from '../config/load.ts'
import { objectExists } from '../google/existence.ts'
import type { FarEnd } from '../google/lease.ts'
import { openStore } from '../google/storage.ts'
import { API_PORT, SSH_PORT } from '../model/ports.ts'
import { exitCodes, OpsError } from '../runtime/errors.ts'
import type { Connections, Context } from './context.ts'
import { dialFailure } from './vm-status.ts'

/** What has been added to the metadata just now takes the guest agent some time; gcloud waits as long. */
const NEW_KEY_WITHIN_MS = 60_000
/** How long connections may take to end, in milliseconds; what is still being opened then is closed once it is open. */
const CLOSED_WITHIN_MS = 3000

const GOOGLE_IAP_RELAY = 'wss://tunnel.cloudproxy.app'

/** Opened by the first call, shared by all later ones. A failure is not remembered: the next call tries again. */
export interface Lazy<A extends unknown[], T> {
  (...args: A): Promise<T>
  /** The next call opens it again. @returns what was open, or being opened, if anything */
  forget(): Promise<T> | undefined
}

export function lazy<A extends unknown[], T>(open: (...args: A) => Promise<T>): Lazy<A, T> {
  let opened: Promise<T> | undefined
  const get = (...args: A): Promise<T> => {
    if (opened) return opened
    const opening = open(...args)
    opened = opening
    opening.catch(() => {
      if (opened === opening) opened = undefined
    })
    return opening
  }
  const forget = () => {
    const before = opened
    opened = undefined
    return before
  }
  return Object.assign(get, { forget })
}

/**
 * Like `lazy`, for an opening that is given up after so many milliseconds. Its deadline is its own: who has more time than whoever
 * began it tries again when that one's has run out.
 */
export function patient<T>(open: (within?: number) => Promise<T>): Lazy<[within?: number], T> {
  let longest = 0
  const opened = lazy((within?: number) => {
    longest = within ?? Number.POSITIVE_INFINITY
    return open(within)
  })
  const get = async (within?: number): Promise<T> => {
    const mine = within ?? Number.POSITIVE_INFINITY
    const opening = opened(within)
    const theirs = longest
    return opening.catch(error => {
      const isEarly = error instanceof OpsError && error.code === exitCodes.timeout && theirs < mine
      if (!isEarly) throw error
      return get(within)
    })
  }
  return Object.assign(get, { forget: opened.forget })
}

type Sources = Pick<
  Context,
  'environment' | 'endpoints' | 'credentials' | 'terraform' | 'baseLayer' | 'output' | 'now' | 'log' | 'signal'
>

export function openConnections(sources: Sources): Connections {
  const { environment, endpoints, credentials, terraform, baseLayer: base, output, now, log, signal } = sources

  const place = async () => {
    const [project, zone] = await Promise.all([output(base, 'project_id'), output(base, 'zone')])
    return { project, zone }
  }

  const farEnd = async (port: number): Promise<FarEnd> => {
    const [where, instance] = await Promise.all([place(), output(base, 'vm_name')])
    return { relay: endpoints?.iapRelay ?? GOOGLE_IAP_RELAY, ...where, instance, port }
  }
  const apiEnd = () => farEnd(API_PORT)
  /** Aborted by the next `disconnect`, for which nobody waits until something has opened. */
  let closing = new AbortController()
  const untilClosed = () => AbortSignal.any([signal, closing.signal])
  const { token } = credentials
  // What a connection takes is imported when it is opened: few verbs open all of them.
  const dial = async (port: number) => {
    const { dialThroughIap } = await import('../google/iap.ts')
    return dialThroughIap({ ...(await farEnd(port)), token, signal }).catch(async error => {
      throw await dialFailure(error, asked)
    })
  }

  const store = lazy(async () =>
    openStore(await terraform.bucket(), () => output(base, 'project_id'), credentials, {
      endpoint: endpoints?.storage,
      signal,
    }),
  )

  const compute = lazy(async () => {
    const { openCompute } = await import('../google/compute.ts')
    return openCompute({ ...(await place()), credentials, signal, ...(endpoints && { endpoint: endpoints.compute }) })
  })

  const exists: Connections['exists'] = (api, path) =>
    objectExists(api, path, { credentials, signal, ...(endpoints && { endpoints }) })

  const defaults = lazy(async () => {
    const { project, zone } = await place()
    return { project, zone, region: zone.replace(/-[a-z]$/, '') }
  })

  const asked = { environment, compute, output, baseLayer: base, dial, now, log }

  const openTheHost = async (within?: number) => {
    const opening = { ...asked, signal: untilClosed() }
    const [{ openHost }, { keyStanding, refuseMissing, sshAccess }, { acceptedHostKeys }] = await Promise.all([
      import('../host/ssh.ts'),
      import('./ssh-access.ts'),
      import('./host-keys.ts'),
    ])
    const { user, identityFile } = sshAccess(environment)
    const [vm, standing] = await Promise.all([output(base, 'vm_name'), keyStanding(opening)])
    if (standing) refuseMissing(standing)
    const hostKeys = await acceptedHostKeys(vm, opening, { within })
    return openHost({
      dial: () => dial(SSH_PORT),
      explain: error => dialFailure(error, asked),
      user,
      hostKeys,
      name: vm,
      signal: opening.signal,
      log,
      ...(within !== undefined && { within }),
      ...(standing?.validity?.until !== undefined && { keysWithin: NEW_KEY_WITHIN_MS }),
      ...(identityFile !== undefined && { identityFile }),
    })
  }

  const host = patient(openTheHost)

  const tunnel = lazy(async () => {
    const [port, leadsTo] = await Promise.all([output(base, 'api_local_port'), apiEnd()])
    const { openTunnel } = await import('../google/tunnel.ts')
    return openTunnel(Number(port), { leadsTo, token, heard: message => log.debug(message), signal: untilClosed() })
  })

  const access = async () => {
    const [kubeconfig, context] = await Promise.all([output(base, 'kubeconfig_path'), output(base, 'kube_context')])
    return { kubeconfig: configuredPath(kubeconfig), context, port: Number(await output(base, 'api_local_port')) }
  }

  /** Whoever asks for the tunnel goes on with the kubeconfig, as Terraform's providers do. */
  const trustedTunnel = async () => {
    const { refuseForeign } = await import('../cluster/kubeconfig.ts')
    const { kubeconfig, context, port } = await access()
    await refuseForeign(kubeconfig, context, port)
    return tunnel()
  }

  const cluster = lazy(async () => {
    const { openCluster } = await import('../cluster/cluster.ts')
    await tunnel()
    return openCluster(await access())
  })

  const disconnect = async () => {
    const opened = [cluster.forget(), host.forget(), tunnel.forget()]
    closing.abort()
    closing = new AbortController()
    // What fails to close is gone already.
    const closed = Promise.allSettled(opened.map(async each => (await each)?.close()))
    const inTime = new AbortController()
    await Promise.race([closed, sleep(CLOSED_WITHIN_MS, undefined, { signal: inTime.signal }).catch(() => undefined)])
    inTime.abort()
  }

  return { store, compute, exists, defaults, apiEnd, dial, host, tunnel: trustedTunnel, access, cluster, disconnect }
}
