import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ApiError } from './api.ts'
import { volumeProblem } from './configuration.ts'
import { ContainerWorker, containerId, isRun, type PodContext, type Role, refuse, timestamp } from './container.ts'
import { evictionMessage, failureOf, SOME_SHORTAGE } from './failures.ts'
import { type Container, type ContainerStatus, namespaceOf, type Pod } from './kubernetes.ts'
import type { Node } from './node.ts'
import type { Running } from './running.ts'
import { lostContainer, NO_EPHEMERAL, type PodFacts, restarts, statusOf, waitingContainer } from './status.ts'

/** Milliseconds before a requested eviction takes effect, so that no pod is evicted before it runs. */
const EVICTED_AFTER = 2000

/** One pod on the node, from binding to removal, like the kubelet's pod worker. */
export class PodWorker implements PodContext {
  readonly node: Node
  #pod: Pod
  readonly #facts: PodFacts
  readonly #stopping = new AbortController()
  readonly #workers: ContainerWorker[] = []
  #publishing: Promise<void> = Promise.resolve()
  #removing = false
  #failureChange = Promise.withResolvers<void>()

  constructor(node: Node, pod: Pod) {
    this.node = node
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
      ephemeralContainers: [...(pod.status.ephemeralContainerStatuses ?? [])],
    }
  }

  get pod(): Pod {
    return this.#pod
  }

  get podIP(): string {
    return this.#facts.podIP
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** The process of a container, if it has one. */
  findRunning(container: string): Running | undefined {
    return this.#workers.find(({ name }) => name === container)?.running
  }

  /** Takes over the API server's current version of the pod. */
  update(pod: Pod): void {
    const before = failureOf(this.#pod)
    this.#pod = pod
    if (this.#refuseEphemeral()) this.publish()
    if (failureOf(pod) === before) return
    this.#failureChange.resolve()
    this.#failureChange = Promise.withResolvers()
  }

  /** @returns whether any is new */
  #refuseEphemeral(): boolean {
    const { ephemeralContainers: refused = [] } = this.#facts
    if (this.#isOver || this.#removing) return false
    const known = new Set(refused.map(({ name }) => name))
    const added = (this.#pod.spec.ephemeralContainers ?? []).filter(({ name }) => !known.has(name))
    refused.push(...added.map(container => refuse(this, container, NO_EPHEMERAL)))
    return added.length > 0
  }

  get #isOver(): boolean {
    return ['Succeeded', 'Failed'].includes(this.#pod.status.phase ?? '')
  }

  failureChanged(signal: AbortSignal): Promise<void> {
    const { promise } = this.#failureChange
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason)
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
      void promise.then(() => {
        signal.removeEventListener('abort', stop)
        resolve()
      })
    })
  }

  async run(): Promise<void> {
    if (this.#isOver) return
    this.#refuseEphemeral()
    this.publish()
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
      void this.#evictWhenAsked().catch(() => undefined)
      await Promise.all(
        this.#pod.spec.containers.map(async (container, index) => {
          const status = this.#facts.containers[index]
          if (status && !status.state.terminated) await this.#keep(container, status, 'main')
        }),
      )
    } catch (error) {
      if (!this.stopping.aborted) throw error
    }
  }

  /** Stops the pod's processes and deletes the pod, unless it is gone already. */
  async remove(alreadyGone: boolean): Promise<void> {
    if (this.#removing) return
    this.#removing = true
    const { deletionGracePeriodSeconds: grace = 30, uid, name } = this.#pod.metadata
    if (!alreadyGone) {
      for (const { name: container, state } of this.#facts.containers) {
        if (!state.running) continue
        this.node.events.record(this.#pod, 'Normal', 'Killing', `Stopping container ${container}`, container)
      }
    }
    await this.stop(grace * 1000)
    await this.node.containers.release(this.#pod, this.podIP)
    if (alreadyGone) return
    await this.#publishing
    const path = `/api/v1/namespaces/${namespaceOf(this.#pod)}/pods/${name}`
    for (;;) {
      try {
        return await this.node.api.delete(path, { gracePeriodSeconds: 0, preconditions: { uid } })
      } catch (error) {
        if (error instanceof ApiError && [404, 409].includes(error.status)) return
        // The API server is down. Keep trying: nothing but this worker would delete the pod.
        await sleep(1000)
      }
    }
  }

  async stop(graceMs: number): Promise<void> {
    const running = this.#workers.map(worker => worker.running)
    this.#stopping.abort()
    await Promise.all(running.map(process => process?.stop(graceMs)))
  }

  /**
   * A container's status after a restart of the agent. A container of this boot continues if it has no process; one of an
   * earlier boot is lost, and its next run is a restart.
   */
  #restored(container: Container, status: ContainerStatus): ContainerStatus {
    const { state, restartCount } = status
    if (!state.running && !state.terminated) return status
    const ofThisBoot = status.containerID === containerId(this, container.name, restartCount)
    if (ofThisBoot && (state.terminated || !isRun(container))) return status
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

  #keep(container: Container, status: ContainerStatus, role: Role): Promise<number> {
    const worker = new ContainerWorker(this, container, status, role)
    this.#workers.push(worker)
    return worker.keep()
  }

  async #mountVolumes(): Promise<void> {
    for (let said: string | undefined; ; await this.#pause(1000)) {
      const problem = await volumeProblem(this.node.api, this.#pod).catch(error => (error as Error).message)
      if (!problem) break
      if (problem !== said) this.node.events.record(this.#pod, 'Warning', 'FailedMount', problem)
      said = problem
    }
    this.#facts.volumesReady = true
    this.publish()
  }

  async #evictWhenAsked(): Promise<void> {
    await this.#pause(EVICTED_AFTER)
    while (failureOf(this.#pod) !== 'evicted') await this.failureChanged(this.stopping)
    await this.evict(evictionMessage(this.#pod, SOME_SHORTAGE, '1824Mi'))
  }

  /** Kills the pod's processes; the pod is Failed for good. */
  async evict(message: string): Promise<void> {
    if (this.#facts.eviction !== undefined || this.#removing) return
    this.node.events.record(this.#pod, 'Warning', 'Evicted', message)
    await this.stop(0)
    const finishedAt = timestamp()
    for (const status of this.#facts.containers) {
      const { state, containerID } = status
      const startedAt = state.running?.startedAt ?? null
      status.ready = false
      status.started = false
      if (state.running) status.state = { terminated: { exitCode: 137, reason: 'Error', startedAt, finishedAt, containerID } }
    }
    this.#facts.eviction = message
    await this.node.containers.release(this.#pod, this.podIP)
    this.publish()
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping })
  }

  /** Sends the status to the API server, one update at a time, each with the status at the time it is sent. */
  publish(): void {
    this.#publishing = this.#publishing.then(async () => {
      const status = statusOf(this.#pod, this.#facts, timestamp())
      const { name, uid } = this.#pod.metadata
      if (this.#removing || isDeepStrictEqual({ ...this.#pod.status, ...status }, this.#pod.status)) return
      for (let attempt = 0; attempt < 5; attempt++) {
        try {
          const path = `/api/v1/namespaces/${namespaceOf(this.#pod)}/pods/${name}/status`
          const patched = await this.node.api.patch<Pod>(path, { metadata: { uid }, status })
          this.#pod = { ...this.#pod, status: patched.status }
          return
        } catch (error) {
          // The pod is gone, or there is another one of the same name.
          if (error instanceof ApiError && [404, 409, 422].includes(error.status)) return
          await sleep(500 * (attempt + 1))
        }
      }
    })
  }
}
