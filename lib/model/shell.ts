const PLAIN = /^[\w@%+=:,./-]+$/

/** One line that any POSIX shell splits into exactly these words. All quoting is done here. */
export const quote = (words: readonly string[]): string =>
  words.map(word => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
