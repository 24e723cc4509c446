import gax from 'google-gax/fallback'

/** What is called of Compute Engine: the methods of its services, as Google's discovery document names both. */
export type Calls = Record<string, readonly string[]>

/** Messages and services as protobufjs keeps them in JSON, by name. */
export interface Schema {
  options?: unknown
  fields?: object
  values?: object
  methods?: Record<string, unknown>
  nested?: Record<string, Schema>
}

const COMPUTE = ['google', 'cloud', 'compute']

/**
 * The gax that a client of Compute Engine is given, which knows nothing of what is not called. The schema has 2200 messages in each of
 * two versions, and the client builds all of them before it can read one VM: most of a second of processor time in every run.
 * @see the clients' parameter `gaxInstance`
 */
export function gaxFor(calls: Calls): typeof gax {
  class GrpcClient extends gax.GrpcClient {
    override loadProtoJSON(json: never, ignoreCache?: boolean) {
      return super.loadProtoJSON(needed(json, calls) as never, ignoreCache)
    }
  }
  const fallback = { ...gax, GrpcClient }
  return { ...fallback, fallback } as unknown as typeof gax
}

/** The part of Compute's schema that these calls need: their requests, their responses, and whatever is in these. */
export function needed(schema: Schema, calls: Calls): Schema {
  return within(schema, COMPUTE, ({ nested: { v1 } = {} }) => {
    const { nested: all = {}, ...rest } = v1 ?? {}
    const kept: Record<string, Schema> = {}
    const keep = (name: string, found = all[name]) => {
      if (!found || kept[name]) return
      kept[name] = found
      for (const type of typesIn(found)) keep(type)
    }
    for (const [service, methods] of Object.entries(calls)) {
      const called = methods.map(method => [method, methodOf(all, service, method)])
      keep(service, { ...all[service], methods: Object.fromEntries(called) })
    }
    return { nested: { v1: { ...rest, nested: kept } } }
  })
}

function methodOf(all: Record<string, Schema>, service: string, method: string): unknown {
  const found = all[service]?.methods?.[method]
  if (found === undefined) throw new Error(`Compute Engine has no ${service}.${method}`)
  return found
}

/** The same, with the part at the path changed. */
function within(schema: Schema, [name, ...path]: string[], change: (part: Schema) => Schema): Schema {
  if (name === undefined) return change(schema)
  return { ...schema, nested: { ...schema.nested, [name]: within(schema.nested?.[name] ?? {}, path, change) } }
}

/** The messages that a message or service names; one inside another is part of the outer one. */
function typesIn(value: object): string[] {
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    if (typeof part === 'object' && part !== null) return typesIn(part)
    if (typeof part !== 'string' || !['type', 'requestType', 'responseType'].includes(key)) return []
    return part.replace(/^\.?google\.cloud\.compute\.v1\./, '').split('.')[0] ?? []
  })
}
