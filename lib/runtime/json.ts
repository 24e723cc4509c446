import { redact } from './redact.ts'
import { visibleJson } from './visible.ts'

/** What survives JSON.stringify unchanged. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined }

/** A document as it is written or printed: without secrets, which its texts may hold as JSON of their own, and with nothing unseen. */
export const documentText = (document: unknown): string => {
  const member = (_key: string, value: unknown) => (typeof value === 'string' ? redact(value) : value)
  return visibleJson(redact(`${JSON.stringify(document, member, 2)}\n`))
}
