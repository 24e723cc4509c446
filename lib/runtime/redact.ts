const secrets = new Set<string>()
let longestFirst: string[] = []

/** Shorter ones would blank out ordinary words. */
const SHORTEST_SECRET = 8

/** From now on this value never reaches a log, a journal or an error message, not even escaped as in JSON. */
export function neverShow(secret: string): void {
  if (secret.length < SHORTEST_SECRET) return
  secrets.add(secret)
  secrets.add(JSON.stringify(secret).slice(1, -1))
  // Longest first: of two with the same beginning, replacing the shorter one would leave the rest of the longer one.
  longestFirst = [...secrets].sort((a, b) => b.length - a.length)
}

/** The text with every known secret blanked out. */
export const redact = (text: string): string =>
  longestFirst.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text)
