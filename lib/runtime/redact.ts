const secrets = new Set<string>()

/** Shorter ones would blank out ordinary words. */
const SHORTEST_SECRET = 8

/** From now on this value never reaches a log, a journal or an error message. */
export function neverShow(secret: string): void {
  if (secret.length >= SHORTEST_SECRET) secrets.add(secret)
}

/** The text with every known secret blanked out. */
export function redact(text: string): string {
  let shown = text
  for (const secret of secrets) shown = shown.replaceAll(secret, '[redacted]')
  return shown
}
