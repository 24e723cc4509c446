import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Api, ApiError } from './api.ts'
import { ConfigurationError, environmentOf, volumeProblem } from './configuration.ts'
import { type Images, PullError, type PulledImage } from './images.ts'
import { type Container, type ContainerStatus, namespaceOf, type Pod } from './kubernetes.ts'
import { type Programs, programFor, type Running } from './programs.ts'
import { backOff, lostContainer, type PodFacts, restarts, statusOf, waitingContainer } from './status.ts'

/** What every pod on the node shares. */
export interface Node {
  name: string
  address: string
  bootId: string
  api: Api
  images: Images
  programs: Programs
  /** An address of the node's range that no other pod has. */
  allocateAddress(pod: Pod): string
  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void
}

/** Milliseconds for which a container that only says it runs, and is to complete, runs. */
const COMPLETES_AFTER = 300
/** Milliseconds after which a container's run counts as stable and its back-off starts over. */
const STABLE_AFTER = 600_000

/** One pod on the node, from its binding to its removal: what the kubelet's pod worker does. */
export class PodWorker {
  #pod: Pod
  readonly #node: Node
  readonly #facts: PodFacts
  readonly #stopping = new AbortController()
  readonly #processes = new Set<Running>()
  #publishing: Promise<void> = Promise.resolve()
  #removing = false

  constructor(node: Node, pod: Pod) {
    this.#node = node
    this.#pod = pod
    const { initContainers = [], containers, hostNetwork } = pod.spec
    const waiting = initContainers.length > 0 ? 'PodInitializing' : 'ContainerCreating'
    const earlier = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
    const restored = (container: Container, reason: string) =>
      this.#restored(
        container,
        earlier.find(({ name }) => name === container.name) ?? waitingContainer(container.name, container.image, reason),
      )
    this.#facts = {
      startTime: pod.status.startTime ?? timestamp(),
      hostIP: node.address,
      podIP: hostNetwork ? node.address : node.allocateAddress(pod),
      volumesReady: false,
      initContainers: initContainers.map(container => restored(container, waiting)),
      containers: containers.map(container => restored(container, waiting)),
    }
  }

  get uid(): string {
    return this.#pod.metadata.uid
  }

  /** The pod as the API server has it now. */
  update(pod: Pod): void {
    this.#pod = pod
  }

  async run(): Promise<void> {
    if (['Succeeded', 'Failed'].includes(this.#pod.status.phase ?? '')) return
    this.#publish()
    try {
      await this.#mountVolumes()
      for (const [index, container] of (this.#pod.spec.initContainers ?? []).entries()) {
        const status = this.#facts.initContainers[index]
        if (!status || status.state.terminated?.exitCode === 0) continue
        if (container.restartPolicy === 'Always') {
          void this.#keep(container, status, 'sidecar').catch(() => undefined)
          while (!status.started) await this.#pause(100)
        } else if ((await this.#keep(container, status, 'init')) !== 0) return
      }
      await Promise.all(
        this.#pod.spec.containers.map(async (container, index) => {
          const status = this.#facts.containers[index]
          if (status && !status.state.terminated) await this.#keep(container, status, 'main')
        }),
      )
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error
    }
  }

  /** Ends the pod's processes and, unless it is gone already, the pod. */
  async remove(alreadyGone: boolean): Promise<void> {
    if (this.#removing) return
    this.#removing = true
    const { deletionGracePeriodSeconds: grace = 30, uid, name } = this.#pod.metadata
    await this.stop(grace * 1000)
    if (alreadyGone) return
    await this.#publishing
    const path = `/api/v1/namespaces/${namespaceOf(this.#pod)}/pods/${name}`
    for (;;) {
      try {
        return await this.#node.api.delete(path, { gracePeriodSeconds: 0, preconditions: { uid } })
      } catch (error) {
        if (error instanceof ApiError && [404, 409].includes(error.status)) return
        // The API server is away: nobody but this worker would remove the pod.
        await sleep(1000)
      }
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#processes].map(process => process.stop(graceMs)))
  }

  /**
   * A container as it was left. One of this boot goes on, if it only says that it runs; one of an earlier boot is lost, and its
   * next run is a restart.
   */
  #restored(container: Container, status: ContainerStatus): ContainerStatus {
    const { state, restartCount } = status
    if (!state.running && !state.terminated) return status
    const ofThisBoot = status.containerID === this.#containerId(container.name, restartCount)
    if (ofThisBoot && (state.terminated || !programFor(container))) return status
    const ended =
      this.#pod.spec.restartPolicy !== 'Always' && state.terminated && !restarts(this.#pod, state.terminated.exitCode)
    if (ended) return status
    return {
      ...status,
      ready: false,
      started: false,
      restartCount: restartCount + 1,
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: { terminated: state.terminated ?? lostContainer(status.containerID) },
    }
  }

  #containerId(container: string, run: number): string {
    const { bootId } = this.#node
    return `containerd://${createHash('sha256').update(`${bootId} ${this.uid} ${container} ${run}`).digest('hex')}`
  }

  async #mountVolumes(): Promise<void> {
    for (let said: string | undefined; ; await this.#pause(1000)) {
      const problem = await volumeProblem(this.#node.api, this.#pod).catch(error => (error as Error).message)
      if (!problem) break
      if (problem !== said) this.#node.event(this.#pod, 'Warning', 'FailedMount', problem)
      said = problem
    }
    this.#facts.volumesReady = true
    this.#publish()
  }

  /** Runs a container until it is to run no more. @returns its last exit code */
  async #keep(container: Container, status: ContainerStatus, role: 'init' | 'sidecar' | 'main'): Promise<number> {
    for (let failures = 0; ; ) {
      const startedAt = performance.now()
      // One that runs already is this boot's: the agent alone was restarted.
      if (!status.state.running) await this.#prepare(container, status)
      const exitCode = await this.#runOnce(container, status, role)
      const again =
        role === 'sidecar' ||
        (role === 'init' ? exitCode !== 0 && this.#pod.spec.restartPolicy !== 'Never' : restarts(this.#pod, exitCode))
      if (!again) return exitCode
      if (performance.now() - startedAt > STABLE_AFTER) failures = 0
      await this.#backOffRestart(container, status, failures++)
    }
  }

  /** Pulls the image and resolves the configuration, however often that takes. */
  async #prepare(container: Container, status: ContainerStatus): Promise<void> {
    const image = await this.#pullImage(container, status)
    status.image = image.name
    status.imageID = image.imageID
    for (let said: string | undefined; ; await this.#pause(2000)) {
      try {
        await environmentOf(this.#node.api, this.#pod, container)
        return
      } catch (error) {
        if (!(error instanceof ConfigurationError)) continue
        this.#wait(status, 'CreateContainerConfigError', error.message)
        if (error.message !== said) this.#node.event(this.#pod, 'Warning', 'Failed', `Error: ${error.message}`)
        said = error.message
      }
    }
  }

  async #pullImage({ image, imagePullPolicy }: Container, status: ContainerStatus): Promise<PulledImage> {
    const { images, event } = this.#node
    const present = images.find(image)
    if (present && imagePullPolicy !== 'Always') {
      event(this.#pod, 'Normal', 'Pulled', `Container image "${image}" already present on machine`)
      return present
    }
    for (let attempt = 0; ; attempt++) {
      try {
        if (imagePullPolicy === 'Never') {
          throw new PullError('ErrImageNeverPull', `Container image "${image}" is not present with pull policy of Never`)
        }
        event(this.#pod, 'Normal', 'Pulling', `Pulling image "${image}"`)
        const started = performance.now()
        const pulled = await images.pull(image)
        const duration = `${Math.round(performance.now() - started)}ms`
        const size = `Image size: ${pulled.bytes} bytes.`
        event(
          this.#pod,
          'Normal',
          'Pulled',
          `Successfully pulled image "${image}" in ${duration} (${duration} including waiting). ${size}`,
        )
        return pulled
      } catch (error) {
        if (!(error instanceof PullError)) throw error
        await this.#backOffPull(image, status, error, attempt)
      }
    }
  }

  async #backOffPull(image: string, status: ContainerStatus, error: PullError, attempt: number): Promise<void> {
    const { event } = this.#node
    this.#wait(status, error.reason, error.message)
    if (error.reason !== 'ErrImagePull') {
      event(this.#pod, 'Warning', 'Failed', `Error: ${error.reason}`)
      return await this.#pause(backOff(attempt))
    }
    event(this.#pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${error.message}`)
    event(this.#pod, 'Warning', 'Failed', 'Error: ErrImagePull')
    // The kubelet looks again after a second or so and finds that it has to wait.
    await this.#pause(1500)
    event(this.#pod, 'Normal', 'BackOff', `Back-off pulling image "${image}"`)
    this.#wait(status, 'ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${error.message}`)
    await this.#pause(backOff(attempt) - 1500)
  }

  /** One run of a container from its start to its end. @returns its exit code */
  async #runOnce(container: Container, status: ContainerStatus, role: 'init' | 'sidecar' | 'main'): Promise<number> {
    const program = programFor(container)
    const environment = program ? await environmentOf(this.#node.api, this.#pod, container) : {}
    const process = program ? await this.#node.programs.start(program, this.#pod, environment) : undefined
    if (process) this.#processes.add(process)
    // Stopped while it started: nobody else would end it.
    if (this.#stopping.signal.aborted) await process?.stop(0)
    this.#stopping.signal.throwIfAborted()
    if (!status.state.running) {
      status.containerID = this.#containerId(container.name, status.restartCount)
      status.state = { running: { startedAt: timestamp() } }
      status.started = true
      this.#node.event(this.#pod, 'Normal', 'Created', `Created container: ${container.name}`)
      this.#node.event(this.#pod, 'Normal', 'Started', `Started container ${container.name}`)
    }
    if (role !== 'init') void this.#followReadiness(status, process)
    this.#publish()
    const completes = role === 'init' || (role === 'main' && this.#pod.spec.restartPolicy !== 'Always')
    const exitCode = await this.#untilEnd(process, completes)
    if (process) this.#processes.delete(process)
    this.#terminate(status, exitCode)
    return exitCode
  }

  async #untilEnd(process: Running | undefined, completes: boolean): Promise<number> {
    if (process) return await Promise.race([process.ended, this.#aborted()])
    if (!completes) return await this.#aborted()
    await this.#pause(COMPLETES_AFTER)
    return 0
  }

  async #followReadiness(status: ContainerStatus, process: Running | undefined): Promise<void> {
    const { state } = status
    while (process && status.state === state && !(await process.isReady())) await sleep(200)
    if (status.state !== state || this.#stopping.signal.aborted) return
    status.ready = true
    this.#publish()
  }

  #terminate(status: ContainerStatus, exitCode: number): void {
    const terminated = {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: status.state.running?.startedAt ?? null,
      finishedAt: timestamp(),
      ...(status.containerID ? { containerID: status.containerID } : {}),
    }
    status.state = { terminated }
    // A completed init container counts as ready for good.
    status.ready = exitCode === 0 && this.#facts.initContainers.includes(status)
    status.started = false
    this.#publish()
  }

  /** The kubelet restarts at once after a first failure, then backs off. */
  async #backOffRestart(container: Container, status: ContainerStatus, failures: number): Promise<void> {
    if (failures > 0) {
      const delay = backOff(failures - 1)
      const { name, namespace } = this.#pod.metadata
      const id = `${name}_${namespace}(${this.uid})`
      const what = `restarting failed container=${container.name} pod=${id}`
      status.lastState = { terminated: status.state.terminated }
      this.#wait(status, 'CrashLoopBackOff', `back-off ${delay / 1000}s ${what}`)
      this.#node.event(this.#pod, 'Warning', 'BackOff', `Back-off ${what}`)
      await this.#pause(delay)
    } else status.lastState = { terminated: status.state.terminated }
    status.restartCount++
    this.#wait(status, 'ContainerCreating')
  }

  #wait(status: ContainerStatus, reason: string, message?: string): void {
    status.ready = false
    status.state = { waiting: { reason, ...(message ? { message } : {}) } }
    this.#publish()
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal })
  }

  #aborted(): Promise<never> {
    const { signal } = this.#stopping
    return new Promise((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }

  /** Tells the API server, one report after the other; each says what is true when it is sent. */
  #publish(): void {
    this.#publishing = this.#publishing.then(async () => {
      const status = statusOf(this.#pod, this.#facts, timestamp())
      const { name, uid } = this.#pod.metadata
      if (this.#removing || isDeepStrictEqual({ ...this.#pod.status, ...status }, this.#pod.status)) return
      for (let attempt = 0; attempt < 5; attempt++) {
        try {
          const path = `/api/v1/namespaces/${namespaceOf(this.#pod)}/pods/${name}/status`
          this.#pod = await this.#node.api.patch<Pod>(path, { metadata: { uid }, status })
          return
        } catch (error) {
          // Gone, or another pod of the same name.
          if (error instanceof ApiError && [404, 409, 422].includes(error.status)) return
          await sleep(500 * (attempt + 1))
        }
      }
    })
  }
}

const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
