/** What a saved plan was made against. */
export interface Binding {
  layer: string
  environment: string
  /** Of the state; '' before there is one. */
  lineage: string
  serial: number
  /** The commit of the tree, or what else tells that it has not changed. */
  gitSha: string
}

const WORDS: readonly [field: keyof Binding, what: string][] = [
  ['layer', 'the layer'],
  ['environment', 'the environment'],
  ['lineage', "the state's lineage"],
  ['serial', "the state's serial"],
  ['gitSha', 'the commit'],
]

/** How the world differs from that in which a plan was saved, each as a sentence; a plan with any is not applied. */
export const bindingDifferences = (planned: Binding, now: Binding): string[] =>
  WORDS.filter(([field]) => planned[field] !== now[field]).map(
    ([field, what]) => `${what} was ${shown(planned[field])} and is ${shown(now[field])}`,
  )

const shown = (value: string | number): string => (value === '' ? '(none)' : String(value))
