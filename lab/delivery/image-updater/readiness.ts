import { createServer, type Server } from 'node:http'
import { answering, BadRequest, targetOf } from '../../../lib/runtime/serving.ts'

/** What the pod's probes ask. */
export const createReadiness = (): Server =>
  createServer(
    answering((request, response) => {
      if (request.method !== 'GET') throw new BadRequest('It can only be read.', 405)
      targetOf(request)
      response.end('ok')
    }),
  )
