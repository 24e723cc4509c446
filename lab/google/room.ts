import { statfs } from 'node:fs/promises'
import { ApiError } from './http/errors.ts'

/** What has to stay free, in bytes, for what was begun to be written down to its end: operations, machines' ends, Terraform's states. */
const RESERVE = 32 * 2 ** 20

/** Of Google's JSON APIs those that make things; Storage takes what there is room for. */
const MAKING_PATH = /^\/(compute|v1)\//

/**
 * Refuses to begin anything new on a disk that is all but full: half of it would be made, and nothing would know.
 * @throws ApiError 403
 */
export async function checkRoom(directory: string, method: string | undefined, path: string): Promise<void> {
  if (method === 'GET' || method === 'DELETE' || !MAKING_PATH.test(path)) return
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < RESERVE) throw insufficientStorage(`${directory}: no space left on device`)
}

/** As with any quota; of 5xx Terraform's backend would try each again, without end. */
export const insufficientStorage = (message: string): ApiError => new ApiError(403, 'insufficientStorage', message)
