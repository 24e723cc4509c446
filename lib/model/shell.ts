/** A word that begins with `=` is a command's path to zsh. */
const PLAIN = /^(?!=)[\w@%+=:,./-]+$/

/** One line that any POSIX shell splits into exactly these words. All quoting is done here. */
export const quote = (words: readonly string[]): string =>
  words.map(word => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')

/** A command to paste, with each value as one word whatever is in it: names come from clusters, registries and files. */
export const command = (pieces: TemplateStringsArray, ...values: (string | undefined)[]): string =>
  pieces.reduce((text, piece, index) => `${text}${quote([String(values[index - 1])])}${piece}`)
