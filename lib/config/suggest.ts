import { closest, distance } from 'fastest-levenshtein'

/** ` (did you mean "verify"?)` for a word near one of the known ones, otherwise nothing. */
export function didYouMean(word: string, known: string[]): string {
  if (known.length === 0) return ''
  const nearest = closest(word, known)
  return distance(word, nearest) <= Math.max(1, Math.floor(word.length / 3)) ? ` (did you mean "${nearest}"?)` : ''
}
