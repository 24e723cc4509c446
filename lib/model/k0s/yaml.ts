import { parse, stringify, type Tags } from 'yaml'

/** kubectl and k0s read YAML as JSON, which has no times: what looks like one is a text or, between colons, not a number. */
const withoutTimes = (tags: Tags): Tags =>
  tags.filter(tag => typeof tag === 'string' || !(tag.tag.endsWith(':timestamp') || ('format' in tag && tag.format === 'TIME')))

/**
 * A text's value as kubectl and k0s read it: as YAML 1.1, where `no`, `on` and `Off` are booleans.
 * @throws Error for a text that is not YAML, an undefined alias, or aliases that expand beyond measure
 */
export function parseForGo(text: string): unknown {
  try {
    return parse(text, { version: '1.1', customTags: withoutTimes })
  } catch (error) {
    // The further lines show the place in the text, which may be a secret's.
    throw new Error((error as Error).message.split('\n')[0]?.replace(/:$/, ''))
  }
}

/** YAML that means the same by 1.1 and 1.2: strings that either takes for something else are quoted. */
export const stringifyForGo = (value: unknown): string => stringify(value, { compat: 'yaml-1.1', lineWidth: 0 })
