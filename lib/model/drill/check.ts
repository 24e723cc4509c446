export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** One thing on which the verdict rests. */
export interface Check {
  id: string
  title: string
  outcome: Verdict
  /** What was seen, for people. */
  says: string
}

/** What a check is named after. */
interface Subject {
  id: string
  title: string
}

/** A step that was skipped, or never reached, has shown nothing. */
export const NOT_REACHED = 'not reached'

/** A check of a step. @param part of it, and its title, where a step has several */
export const check = (
  { id, title }: Subject,
  outcome: Verdict,
  says: string,
  part: { id?: string; title?: string } = {},
): Check => ({ id: part.id === undefined ? id : `${id}/${part.id}`, title: part.title ?? title, outcome, says })
