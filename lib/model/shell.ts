const PLAIN = /^[\w@%+=:,./-]+$/

/** Words as one line that any POSIX shell splits into the very same words. The only place where quoting is done. */
export const quote = (words: readonly string[]): string =>
  words.map(word => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
