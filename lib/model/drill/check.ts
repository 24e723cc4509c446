export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** One thing that the verdict rests on. */
export interface Check {
  id: string
  title: string
  outcome: Verdict
  /** What was observed, for people. */
  says: string
}

/** What a check is named after. */
interface Subject {
  id: string
  title: string
}

/** A step that was skipped, or never reached, has shown nothing. */
export const NOT_REACHED = 'not reached'

/** The check of a step. @param part id and title of one of several checks of the same step */
export const check = (
  { id, title }: Subject,
  outcome: Verdict,
  says: string,
  part: { id?: string; title?: string } = {},
): Check => ({ id: part.id === undefined ? id : `${id}/${part.id}`, title: part.title ?? title, outcome, says })
