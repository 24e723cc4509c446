import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../lib/runtime/files.ts'

/** Part of protobuf's JSON descriptors, as Google's client carries them of the Compute API. */
interface Field {
  type: string
  rule?: 'repeated'
  /** Only a map has one. */
  keyType?: string
}

interface Message {
  fields?: Record<string, Field>
  nested?: Record<string, Message & { values?: Record<string, number> }>
}

const descriptors = join(root, 'node_modules/@google-cloud/compute/build/protos/protos.json')
const messages: Record<string, Message> = JSON.parse(readFileSync(descriptors, 'utf8')).nested.google.nested.cloud.nested
  .compute.nested.v1.nested

/** How JSON writes a type: 64-bit numbers as decimal strings. https://protobuf.dev/programming-guides/json */
const scalars: Record<string, (value: unknown) => boolean> = {
  string: value => typeof value === 'string',
  bool: value => typeof value === 'boolean',
  int32: value => Number.isInteger(value),
  uint32: value => Number.isInteger(value) && Number(value) >= 0,
  float: value => typeof value === 'number',
  double: value => typeof value === 'number',
  int64: value => typeof value === 'string' && /^-?\d+$/.test(value),
  uint64: value => typeof value === 'string' && /^\d+$/.test(value),
}

/** Where an answer departs from the message that Google's own client knows. */
export function violations(name: string, value: unknown, at = name): string[] {
  const message = messages[name]
  if (!message) return [`${at}: there is no message ${name}`]
  if (!isObject(value)) return [`${at}: ${String(value)} is no ${name}`]
  return Object.entries(value).flatMap(([field, inner]) => {
    const known = message.fields?.[field]
    return known
      ? check(known, inner, `${at}.${field}`, valuesOf(message, field, known.type))
      : [`${at}.${field}: there is no such field`]
  })
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A field of few values has an enumeration for its type, or is a text with an enumeration of the field's name beside it. */
function valuesOf(message: Message, field: string, type: string): string[] | undefined {
  const name = field.charAt(0).toUpperCase() + field.slice(1)
  const values = (message.nested?.[type] ?? message.nested?.[name])?.values
  return values && Object.keys(values).filter(value => !value.startsWith('UNDEFINED_'))
}

function check(field: Field, value: unknown, at: string, values?: string[]): string[] {
  if (field.keyType) {
    if (!isObject(value)) return [`${at}: is no map`]
    return Object.entries(value).flatMap(([key, inner]) => single(field.type, inner, `${at}.${key}`))
  }
  if (field.rule !== 'repeated') return single(field.type, value, at, values)
  if (!Array.isArray(value)) return [`${at}: is no list`]
  return value.flatMap((inner, index) => single(field.type, inner, `${at}[${index}]`, values))
}

function single(type: string, value: unknown, at: string, values?: string[]): string[] {
  const scalar = values ? scalars.string : scalars[type]
  if (!scalar) return violations(type.split('.').at(-1) ?? type, value, at)
  if (!scalar(value)) return [`${at}: ${String(value)} is no ${type}`]
  return values && !values.includes(String(value)) ? [`${at}: ${String(value)} is none of its values`] : []
}
