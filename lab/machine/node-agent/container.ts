import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { applicationOf } from './application.ts'
import { ConfigurationError, environmentOf } from './configuration.ts'
import type { EventType } from './events.ts'
import {
  askedEnding,
  askedOutcome,
  type Ending,
  endingOf,
  FAIL,
  type Failure,
  failedProbe,
  failureOf,
  missingImage,
} from './failures.ts'
import { PullError, type PulledImage, parseImage } from './images.ts'
import type { Container, ContainerStatus, Pod } from './kubernetes.ts'
import { ContainerLog, logFile } from './log.ts'
import type { Node } from './node.ts'
import { type Observer, watchProbes } from './probes.ts'
import { programFor } from './programs.ts'
import type { Running } from './running.ts'
import { backOff, duration, refusal, refusedContainer, restarts } from './status.ts'

/** Milliseconds until a container without a process completes, if it is to complete. */
const COMPLETES_AFTER = 300
/** Milliseconds after which a container counts as stable and its back-off is reset. */
const STABLE_AFTER = 600_000
/** The default grace period in seconds. */
const GRACE = 30

export type Role = 'init' | 'sidecar' | 'main'

/** What a container needs to know about its pod. */
export interface PodContext {
  readonly node: Node
  /** The current object from the API server. */
  readonly pod: Pod
  readonly podIP: string
  readonly stopping: AbortSignal
  publish(): void
  /** Resolves when the pod's requested failure changes; rejects when the signal aborts. */
  failureChanged(signal: AbortSignal): Promise<void>
}

export function containerId({ node, pod }: Pick<PodContext, 'node' | 'pod'>, container: string, run: number): string {
  const text = `${node.bootId} ${pod.metadata.uid} ${container} ${run}`
  return `containerd://${createHash('sha256').update(text).digest('hex')}`
}

/** Whether a process runs for the container; all others only report that they are running. */
export const isRun = (container: Container): boolean =>
  applicationOf(container) !== undefined || programFor(container) !== undefined

/** Refuses to start a container: the reason is in its status, its log and an event. */
export function refuse(context: Pick<PodContext, 'node' | 'pod'>, container: Container, reason: string): ContainerStatus {
  const { node, pod } = context
  const log = new ContainerLog(logFile(pod, container.name, 0))
  log.write('stderr', reason)
  log.close()
  node.events.record(pod, 'Warning', 'Failed', `Error: ${reason}`, container.name)
  return refusedContainer(container, containerId(context, container.name, 0), reason, timestamp())
}

/**
 * One container from the pull of its image to its last exit, across restarts. It keeps `status` up to date and publishes it.
 */
export class ContainerWorker {
  readonly #context: PodContext
  readonly #container: Container
  readonly #status: ContainerStatus
  readonly #role: Role
  #running: Running | undefined

  constructor(context: PodContext, container: Container, status: ContainerStatus, role: Role) {
    this.#context = context
    this.#container = container
    this.#status = status
    this.#role = role
  }

  get name(): string {
    return this.#container.name
  }

  /** Its process, if it has one. */
  get running(): Running | undefined {
    return this.#running
  }

  /** Runs and restarts the container until it is done. @returns its last exit code */
  async keep(): Promise<number> {
    const refused = refusal(this.#context.pod, this.#container, isRun(this.#container))
    if (refused !== undefined) {
      Object.assign(this.#status, refuse(this.#context, this.#container, refused))
      this.#context.publish()
      return this.#status.state.terminated?.exitCode ?? 0
    }
    for (let failures = 0; ; ) {
      const startedAt = performance.now()
      // If it is running already, only the agent was restarted.
      if (!this.#status.state.running) await this.#prepare()
      const exitCode = await this.#runOnce()
      const again =
        this.#role === 'sidecar' ||
        (this.#role === 'init'
          ? exitCode !== 0 && this.#context.pod.spec.restartPolicy !== 'Never'
          : restarts(this.#context.pod, exitCode))
      if (!again) return exitCode
      if (performance.now() - startedAt > STABLE_AFTER) failures = 0
      await this.#backOffRestart(failures++)
    }
  }

  get #failure(): Failure | undefined {
    return this.#role === 'main' ? failureOf(this.#context.pod) : undefined
  }

  #event(type: EventType, reason: string, message: string): void {
    this.#context.node.events.record(this.#context.pod, type, reason, message, this.#container.name)
  }

  /** Pulls the image and resolves the configuration, retrying until both succeed. */
  async #prepare(): Promise<void> {
    const image = await this.#pullImage()
    this.#status.image = image.name
    this.#status.imageID = image.imageID
    for (let said: string | undefined; ; await this.#pause(2000)) {
      try {
        await environmentOf(this.#context.node.api, this.#context.pod, this.#container)
        return
      } catch (error) {
        if (!(error instanceof ConfigurationError)) continue
        this.#wait('CreateContainerConfigError', error.message)
        if (error.message !== said) this.#event('Warning', 'Failed', `Error: ${error.message}`)
        said = error.message
      }
    }
  }

  async #pullImage(): Promise<PulledImage> {
    const { image, imagePullPolicy } = this.#container
    const { images } = this.#context.node
    const present = images.find(image)
    if (present && imagePullPolicy !== 'Always' && this.#failure !== 'image-pull') {
      this.#event('Normal', 'Pulled', `Container image "${image}" already present on machine`)
      return present
    }
    for (let attempt = 0; ; attempt++) {
      try {
        if (imagePullPolicy === 'Never') {
          throw new PullError('ErrImageNeverPull', `Container image "${image}" is not present with pull policy of Never`)
        }
        this.#event('Normal', 'Pulling', `Pulling image "${image}"`)
        const started = performance.now()
        if (this.#failure === 'image-pull') {
          throw new PullError('ErrImagePull', missingImage(parseImage(image)?.name ?? image))
        }
        const pulled = await images.pull(image).catch(error => Promise.reject(asPullError(image, error)))
        const took = `${Math.round(performance.now() - started)}ms`
        const size = `Image size: ${pulled.bytes} bytes.`
        this.#event('Normal', 'Pulled', `Successfully pulled image "${image}" in ${took} (${took} including waiting). ${size}`)
        return pulled
      } catch (error) {
        if (!(error instanceof PullError)) throw error
        await this.#backOffPull(error, attempt)
      }
    }
  }

  async #backOffPull(error: PullError, attempt: number): Promise<void> {
    const { image } = this.#container
    this.#wait(error.reason, error.message)
    if (error.reason !== 'ErrImagePull') {
      this.#event('Warning', 'Failed', `Error: ${error.reason}`)
      return await this.#pause(backOff(attempt))
    }
    this.#event('Warning', 'Failed', `Failed to pull image "${image}": ${error.message}`)
    this.#event('Warning', 'Failed', 'Error: ErrImagePull')
    // The kubelet tries again after about a second, and then backs off.
    await this.#pause(1500)
    this.#event('Normal', 'BackOff', `Back-off pulling image "${image}"`)
    this.#event('Warning', 'Failed', 'Error: ImagePullBackOff')
    this.#wait('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error.message}`)
    await this.#pause(backOff(attempt) - 1500)
  }

  /** One run of the container, from start to exit. @returns its exit code */
  async #runOnce(): Promise<number> {
    const { pod, stopping } = this.#context
    const status = this.#status
    const log = new ContainerLog(logFile(pod, this.name, status.restartCount))
    const run = new AbortController()
    const signal = AbortSignal.any([stopping, run.signal])
    try {
      const running = await this.#start(log)
      this.#running = running
      // If the pod was stopped meanwhile, nothing else would stop this process.
      if (stopping.aborted) await running?.stop(0)
      stopping.throwIfAborted()
      if (!status.state.running) {
        status.containerID = containerId(this.#context, this.name, status.restartCount)
        status.state = { running: { startedAt: timestamp() } }
        status.started = this.#role === 'init' || !this.#container.startupProbe
        this.#event('Normal', 'Created', `Created container: ${this.name}`)
        this.#event('Normal', 'Started', `Started container ${this.name}`)
      }
      const condemned = Promise.withResolvers<Ending>()
      if (this.#role !== 'init') this.#observe(running, condemned.resolve, signal).catch(ignoringAbort)
      this.#context.publish()
      const ending = await Promise.race([this.#end(running), this.#askedEnd(log, signal), condemned.promise])
      run.abort()
      await running?.stop(0)
      this.#terminate(ending)
      return ending.exitCode
    } finally {
      run.abort()
      const ended = this.#running?.ended ?? Promise.resolve()
      void ended.then(() => log.close())
      this.#running = undefined
    }
  }

  /** Starts the container's process. @returns undefined when it has none and only reports that it is running */
  async #start(log: ContainerLog): Promise<Running | undefined> {
    const { node, pod, podIP } = this.#context
    if (this.#failure === 'crash-loop') return undefined
    const application = applicationOf(this.#container)
    const program = programFor(this.#container)
    if (!application && !program) {
      log.write('stdout', 'the lab runs no program for this container; see docs/lab.md')
      return undefined
    }
    for (let said: string | undefined; ; await this.#pause(2000)) {
      try {
        const environment = await environmentOf(node.api, pod, this.#container)
        if (program) return await node.programs.start(program, pod, this.#container, environment, log)
        const image = node.images.find(this.#container.image)
        if (!application || !image) return undefined
        return await node.containers.start({ pod, podIP, container: this.#container, application, image, environment, log })
      } catch (error) {
        const { message } = error as Error
        this.#wait('CreateContainerError', message)
        if (message !== said) this.#event('Warning', 'Failed', `Error: ${message}`)
        said = message
      }
    }
  }

  async #end(running: Running | undefined): Promise<Ending> {
    const { pod, stopping } = this.#context
    if (running) return endingOf(await Promise.race([running.ended, aborted(stopping)]))
    const completes = this.#role === 'init' || (this.#role === 'main' && pod.spec.restartPolicy !== 'Always')
    if (!completes || this.#failure === 'crash-loop') return await aborted(stopping)
    await this.#pause(COMPLETES_AFTER)
    return endingOf(0)
  }

  /** Resolves with the failure that the pod's annotation requests, as soon as it does. */
  async #askedEnd(log: ContainerLog, signal: AbortSignal): Promise<Ending> {
    for (;;) {
      const ending = askedEnding(this.#failure)
      if (ending) {
        log.write('stderr', `${FAIL}=${this.#failure}: this container is about to fail`)
        await sleep(ending.afterMs, undefined, { signal })
        return ending
      }
      await this.#context.failureChanged(signal)
    }
  }

  /** Keeps `started` and `ready` up to date; a container that fails its liveness or startup probe is stopped. */
  async #observe(running: Running | undefined, condemn: (ending: Ending) => void, signal: AbortSignal): Promise<void> {
    const probed = applicationOf(this.#container) !== undefined && running !== undefined
    const observer: Observer = {
      failed: (kind, message) => this.#event('Warning', 'Unhealthy', `${capitalized(kind)} probe failed: ${message}`),
      started: () => this.#update({ started: true }),
      ready: ready => this.#update({ ready }),
      condemned: kind => void this.#restart(kind, running).then(condemn),
      override: kind =>
        askedOutcome(this.#failure, kind, this.#container, this.#context.podIP) ?? (probed ? undefined : { ok: true }),
    }
    while (!probed && running && !(await running.isReady())) await sleep(200, undefined, { signal })
    for (;;) {
      const failure = this.#failure
      const failing = failedProbe(failure, this.#container) !== undefined
      if ((failure === 'probe' || failure === 'liveness') && !failing) {
        this.#event('Warning', 'NothingToFail', `${FAIL}=${failure}: container ${this.name} has no such probe`)
      }
      const round = new AbortController()
      const either = AbortSignal.any([signal, round.signal])
      // A container without a process to probe is ready immediately, unless it is to fail.
      if (probed || failing) {
        const target = { container: this.#container, podIP: this.#context.podIP, running }
        watchProbes(target, observer, either).catch(ignoringAbort)
      } else this.#update({ started: true, ready: true })
      await this.#context.failureChanged(signal).finally(() => round.abort())
    }
  }

  async #restart(kind: 'startup' | 'liveness', running: Running | undefined): Promise<Ending> {
    this.#event('Normal', 'Killing', `Container ${this.name} failed ${kind} probe, will be restarted`)
    const probe = this.#container[`${kind}Probe`]
    const grace = probe?.terminationGracePeriodSeconds ?? this.#context.pod.spec.terminationGracePeriodSeconds ?? GRACE
    await running?.stop(grace * 1000)
    return endingOf((await running?.ended) ?? 143)
  }

  #update(change: Partial<ContainerStatus>): void {
    if (!this.#status.state.running) return
    Object.assign(this.#status, change)
    this.#context.publish()
  }

  #terminate({ exitCode, reason }: Ending): void {
    const status = this.#status
    const terminated = {
      exitCode,
      reason,
      startedAt: status.state.running?.startedAt ?? null,
      finishedAt: timestamp(),
      ...(status.containerID ? { containerID: status.containerID } : {}),
    }
    status.state = { terminated }
    // A completed init container stays ready.
    status.ready = exitCode === 0 && this.#role === 'init'
    status.started = false
    this.#context.publish()
  }

  /** The kubelet restarts immediately after a first failure, then backs off. */
  async #backOffRestart(failures: number): Promise<void> {
    const status = this.#status
    status.lastState = { terminated: status.state.terminated }
    if (failures > 0) {
      const delay = backOff(failures - 1)
      const { name, namespace, uid } = this.#context.pod.metadata
      const id = `${name}_${namespace}(${uid})`
      this.#wait('CrashLoopBackOff', `back-off ${duration(delay)} restarting failed container=${this.name} pod=${id}`)
      this.#event('Warning', 'BackOff', `Back-off restarting failed container ${this.name} in pod ${id}`)
      await this.#pause(delay)
    }
    status.restartCount++
    this.#wait('ContainerCreating')
  }

  #wait(reason: string, message?: string): void {
    this.#status.ready = false
    this.#status.state = { waiting: { reason, ...(message ? { message } : {}) } }
    this.#context.publish()
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#context.stopping })
  }
}

/** Anything that prevents unpacking, such as a full disk, is retried like a registry that does not answer. */
const asPullError = (image: string, error: Error): PullError => {
  if (error instanceof PullError) return error
  const message = `failed to pull and unpack image "${parseImage(image)?.name ?? image}": ${error.message}`
  return new PullError('ErrImagePull', `rpc error: code = Unknown desc = ${message}`)
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const ignoringAbort = (error: Error): void => {
  if (error.name !== 'AbortError') process.stdout.write(`kubelet: ${error.stack}\n`)
}

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

export const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
