import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
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
export function serveExtender(): void {
  createServer(async (request, response) => {
    const question = JSON.parse(await text(request)) as Question
    response.setHeader('content-type', 'application/json').end(JSON.stringify(filtered(question)))
  }).listen(EXTENDER_PORT, '127.0.0.1')
}
