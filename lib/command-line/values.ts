import type { Argument, Option } from 'commander'

/** What the value of an option or argument is one of, as shell completion offers it: the words themselves, or what this checkout says. */
export type Values =
  | 'environment'
  | 'layer'
  /** Of `access.services`. */
  | 'opened service'
  /** Of `delivery.services`. */
  | 'delivered service'
  /** Of either. */
  | 'service'
  | 'scenario'
  /** A drill that was run. */
  | 'drill'
  | 'file'
  | readonly string[]

const declared = new WeakMap<Option | Argument, Values>()

/** Declares it where the option or argument is declared. It refuses nothing. */
export function valued<T extends Option | Argument>(values: Values, of: T): T {
  declared.set(of, values)
  return of
}

export const valuesOf = (of: Option | Argument): Values | undefined => declared.get(of) ?? of.argChoices
