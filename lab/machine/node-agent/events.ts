import type { Api } from './api.ts'
import { namespaceOf, type Pod } from './kubernetes.ts'

export type EventType = 'Normal' | 'Warning'

interface Recorded {
  /** Path of the event, once it has been created. */
  path: Promise<string | undefined>
  count: number
}

/** Records events as the kubelet does: a repeated event increases a count. Failures to record one are ignored. */
export class Events {
  readonly #api: Api
  readonly #node: string
  readonly #recorded = new Map<string, Map<string, Recorded>>()

  constructor(api: Api, node: string) {
    this.#api = api
    this.#node = node
  }

  /** @param container its name, if the event is about one of the pod's containers */
  record(pod: Pod, type: EventType, reason: string, message: string, container?: string): void {
    const ofPod = this.#recorded.get(pod.metadata.uid) ?? new Map<string, Recorded>()
    this.#recorded.set(pod.metadata.uid, ofPod)
    const key = [container, reason, message].join('\0')
    const known = ofPod.get(key)
    if (known) {
      known.count++
      void this.#count(known)
    } else ofPod.set(key, { path: this.#create(pod, type, reason, message, container), count: 1 })
  }

  /** Call when the pod is gone: a later one of the same name starts with new events. */
  forget({ metadata }: Pod): void {
    this.#recorded.delete(metadata.uid)
  }

  async #count(event: Recorded): Promise<void> {
    const path = await event.path
    if (!path) return
    const { count } = event
    await this.#api.patch(path, { count, lastTimestamp: new Date().toISOString() }).catch(() => undefined)
  }

  async #create(pod: Pod, type: EventType, reason: string, message: string, container?: string): Promise<string | undefined> {
    const namespace = namespaceOf(pod)
    const { name, uid, resourceVersion } = pod.metadata
    const now = new Date().toISOString()
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: {
        ...{ apiVersion: 'v1', kind: 'Pod', namespace, name, uid, resourceVersion },
        ...(container ? { fieldPath: `spec.containers{${container}}` } : {}),
      },
      type,
      reason,
      message,
      source: { component: 'kubelet', host: this.#node },
      reportingComponent: 'kubelet',
      reportingInstance: this.#node,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
    const path = `/api/v1/namespaces/${namespace}/events`
    const created = await this.#api.create<{ metadata: { name: string } }>(path, body).catch(() => undefined)
    return created && `${path}/${created.metadata.name}`
  }
}
