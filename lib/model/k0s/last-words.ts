/** How much of a message is shown, in characters. */
const LONGEST = 100

/**
 * The last message of k0s itself in its journal, shortened; the lines of its components are ignored.
 * @param journal lines as journalctl prints them; k0s writes logfmt: `time="…" level=info msg="…" component=etcd`
 */
export function lastWords(journal: string): string | undefined {
  const said = [...journal.matchAll(/\bmsg=(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)].at(-1)
  const text = (said?.[1] ?? said?.[2])?.replace(/\\(.)/g, '$1')
  return text && text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}
