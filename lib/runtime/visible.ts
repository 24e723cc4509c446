/** As ranges of code points: what a terminal acts on, and what makes a reader see another text than is there. Tab and line feed are text. */
const UNSEEN = [
  // C0, DEL and C1; two of them begin escape sequences.
  ...['\\u0000-\\u0008', '\\u000b-\\u001f', '\\u007f-\\u009f'],
  // Line and paragraph separators; what turns the direction of writing; what has no width and joins nothing.
  ...['\\u2028\\u2029', '\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069', '\\u200b\\u2060-\\u2064\\ufeff'],
  '\\u{e0000}-\\u{e007f}',
].join('')
const ANY_UNSEEN = new RegExp(`[${UNSEEN}]`, 'gu')

/** The colours that our own texts have, and their ends: no other escape sequence comes from here. */
const COLOURS = '(\\u001b\\[(?:1|2|22|3[1236]|39)m)'
const OURS = new RegExp(COLOURS)

const escaped = (found: string): string =>
  found.split('').reduce((text, unit) => `${text}\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`, '')

/** A text from anywhere, as it is to be shown: what can't be seen in it is written as in JSON. Lines stay lines. */
export const visible = (text: string): string => text.replaceAll('\r\n', '\n').replace(ANY_UNSEEN, escaped)

/** The same for a text with our own colours in it. */
export const visibleInColour = (text: string): string =>
  text
    .split(OURS)
    .map((part, index) => (index % 2 === 1 ? part : visible(part)))
    .join('')

/** Without our own colours. */
export const withoutColour = (text: string): string => text.replace(new RegExp(COLOURS, 'g'), '')

/** The same in one line, such as a cell of a table. */
export const inOneLine = (text: string): string => visible(text).replace(/\s*[\n\t]\s*/g, ' ')

/** A JSON text that means the same and shows what is in it. */
export const visibleJson = (json: string): string => json.replace(ANY_UNSEEN, escaped)
