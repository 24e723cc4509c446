const known = new Set<string>()
const forms = new Set<string>()
let longestFirst: string[] = []

/** Shorter ones would blank out ordinary words. */
const SHORTEST_SECRET = 8
/** Of a line of a longer secret, such as a private key that is shown line by line. */
const SHORTEST_LINE = 20

/** From now on this value never reaches a log, a journal, a report or an error message, in none of the forms that texts carry values in. */
export function neverShow(secret: string): void {
  if (secret.trim().length < SHORTEST_SECRET || known.has(secret)) return
  known.add(secret)
  for (const form of formsOf(secret)) if (form.length >= SHORTEST_SECRET) forms.add(form)
  // Longest first: of two with the same beginning, replacing the shorter one would leave the rest of the longer one.
  longestFirst = [...forms].sort((a, b) => b.length - a.length)
}

/** The text with every known secret blanked out. */
export const redact = (text: string): string =>
  longestFirst.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text)

function formsOf(secret: string): string[] {
  const trimmed = secret.trim()
  const plain = [...new Set([secret, trimmed])]
  const lines = trimmed.includes('\n') ? trimmed.split('\n').map(line => line.trim()) : []
  return [
    ...plain,
    ...lines.filter(line => line.length >= SHORTEST_LINE && !/\s/.test(line)),
    ...plain.flatMap(text => [inJson(text), inJson(inJson(text)), ...inUrl(text)]),
    ...plain.flatMap(base64).flatMap(text => [text, ...inUrl(text)]),
  ]
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

function inUrl(text: string): string[] {
  // Half of a surrogate pair has no such form.
  const encoded = encodeURIComponent(text.toWellFormed())
  // What it leaves as it is, other encoders do not.
  const strict = encoded.replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  const form = new URLSearchParams({ '': text }).toString().slice(1)
  const all = [encoded, strict, encoded.replaceAll('%20', '+'), form]
  return [...all, ...all.map(each => each.replace(/%[0-9A-F]{2}/g, code => code.toLowerCase()))]
}

/** In both alphabets, alone and as it comes out wherever it stands in a longer text. */
function base64(text: string): string[] {
  const bytes = Buffer.from(text)
  const within = [0, 1, 2].map(before => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // Without the characters in which a neighbour's bits are.
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  const all = [bytes.toString('base64'), ...within]
  return [...all, ...all.map(each => each.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))]
}
