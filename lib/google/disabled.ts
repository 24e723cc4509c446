/** What Google's APIs, and the client libraries after them, say of an API that is not enabled in a project. */
const DISABLED = /SERVICE_DISABLED|accessNotConfigured|has not been used in project \S+ before or it is disabled/

/** Whether Google refused because the API is not enabled in the project yet: a first apply enables it, and until then it holds nothing. */
export function isDisabled(error: unknown): boolean {
  const { message, reason, response } = error as { message?: string; reason?: string; response?: { data?: unknown } }
  return DISABLED.test([message, reason, JSON.stringify(response?.data)].join('\n'))
}
