const writableFields: readonly string[] = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'customTime',
  'metadata',
  'storageClass',
  'temporaryHold',
  'eventBasedHold',
]

/** The part of an object's metadata that a client may set. */
export function writable(sent: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(writableFields.flatMap(field => (sent[field] === undefined ? [] : [[field, sent[field]]])))
}

/** An object's metadata with nothing set. */
export const noSettings: Record<string, unknown> = {
  ...Object.fromEntries(writableFields.map(field => [field, undefined])),
  contentType: 'application/octet-stream',
  storageClass: 'STANDARD',
}
