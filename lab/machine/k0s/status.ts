import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, get, type Server } from 'node:http'
import { dirname } from 'node:path'
import { answering, BadRequest, targetOf } from '../../../lib/runtime/serving.ts'
import type { ClusterConfig } from './config.ts'
import { K0sError } from './errors.ts'

export const STATUS_SOCKET = '/run/k0s/status.sock'

/** The output of `k0s status -o json`, with k0s's names in k0s's order. */
export interface Status {
  Version: string
  Pid: number
  PPid: number
  Role: 'controller'
  SysInit: string
  StubFile: string
  Output: string
  Workloads: boolean
  SingleNode: boolean
  Args: string[]
  WorkerToAPIConnectionStatus: { Message: string; Success: boolean }
  ClusterConfig: ClusterConfig
  K0sVars: Record<string, unknown>
}

/** Serves the current status on k0s's socket. */
export async function serveStatus(current: () => Promise<Status>): Promise<void> {
  mkdirSync(dirname(STATUS_SOCKET), { recursive: true })
  rmSync(STATUS_SOCKET, { force: true })
  const server = createStatusServer(current)
  await new Promise<void>(resolve => server.listen(STATUS_SOCKET, resolve))
  chmodSync(STATUS_SOCKET, 0o600)
}

export const createStatusServer = (current: () => Promise<Status>): Server =>
  createServer(
    answering(async (request, response) => {
      if (targetOf(request).pathname !== '/status') throw new BadRequest('There is only /status.', 404)
      if (request.method !== 'GET') throw new BadRequest('It can only be read.', 405)
      const text = JSON.stringify(await current())
      response.setHeader('content-type', 'application/json').end(text)
    }),
  )

/** @throws K0sError in k0s's words when nothing answers */
export function askStatus(): Promise<Status> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'ECONNREFUSED' ? 'connection refused' : 'no such file or directory'
      const dialing = `Get "http://localhost/status": dial unix ${STATUS_SOCKET}: connect: ${reason}`
      reject(new K0sError(`status: can't get "status" via "${STATUS_SOCKET}": ${dialing}`))
    }
    const request = get({ socketPath: STATUS_SOCKET, path: '/status' }, async response => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve(JSON.parse(text) as Status)
    })
    request.once('error', fail)
  })
}

export const isRunning = async (): Promise<boolean> =>
  await askStatus().then(
    () => true,
    () => false,
  )
