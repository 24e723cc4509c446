/** An answer other than success, in the form of Google's APIs. */
export class ApiError extends Error {
  readonly status: number
  /** Google's machine-readable reason, such as `notFound`. */
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.reason = reason
  }

  body(): object {
    const { status: code, reason, message } = this
    return { error: { code, message, errors: [{ domain: 'global', reason, message }], status: canonicalCodes[code] } }
  }
}

/** The google.rpc.Code that corresponds to an HTTP status. */
const canonicalCodes: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  412: 'FAILED_PRECONDITION',
  500: 'INTERNAL',
}

export const invalid = (message: string, reason = 'invalid') => new ApiError(400, reason, message)

export const invalidField = (field: string, value: unknown, why: string) =>
  invalid(`Invalid value for field '${field}': '${String(value)}'. ${why}`)

export const required = (field: string) => invalid(`Required field '${field}' not specified`, 'required')

export const notFound = (path: string) => new ApiError(404, 'notFound', `The resource '${path}' was not found`)

export const alreadyExists = (path: string) => new ApiError(409, 'alreadyExists', `The resource '${path}' already exists`)

export const conditionNotMet = (message = 'At least one of the pre-conditions you specified did not hold.') =>
  new ApiError(412, 'conditionNotMet', message)

export const inUse = (type: string, path: string, user: string) =>
  invalid(`The ${type} resource '${path}' is already being used by '${user}'`, 'resourceInUseByAnotherResource')
