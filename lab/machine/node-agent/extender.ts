import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { answering, BadRequest, objectIn, targetOf } from '../../../lib/runtime/serving.ts'
import { failureOf } from './failures.ts'
import type { Pod } from './kubernetes.ts'

export const EXTENDER_PORT = 10251

/** k8s.io/kube-scheduler/extender/v1: ExtenderArgs and ExtenderFilterResult */
export interface Question {
  Pod: Pod
  NodeNames: string[]
}
export interface Verdict {
  NodeNames: string[]
  FailedNodes: Record<string, string>
}

/** The nodes that a pod may run on: none, for lack of memory, when its annotation says so. */
export const filtered = ({ Pod: pod, NodeNames: names }: Question): Verdict =>
  failureOf(pod) === 'unschedulable'
    ? { NodeNames: [], FailedNodes: Object.fromEntries(names.map(name => [name, 'Insufficient memory'])) }
    : { NodeNames: names, FailedNodes: {} }

/** Answers the scheduler, which turns the reasons into its own message. */
export const createExtender = (): Server =>
  createServer(
    answering(async (request, response) => {
      targetOf(request)
      if (request.method !== 'POST') throw new BadRequest('Questions are posted.', 405)
      const { Pod: pod, NodeNames: names } = objectIn(await text(request)) as Partial<Question>
      if (!pod?.metadata || !Array.isArray(names)) throw new BadRequest('There is no pod, or no node, in the question.')
      response.setHeader('content-type', 'application/json').end(JSON.stringify(filtered({ Pod: pod, NodeNames: names })))
    }),
  )
