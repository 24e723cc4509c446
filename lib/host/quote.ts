/** What runs on a host: a command as its words, or a POSIX sh script with its positional arguments `$1`, `$2`, … */
export type Command = readonly string[] | Script

export interface Script {
  script: string
  args?: readonly string[]
}

const PLAIN = /^[\w@%+=:,./-]+$/

/** Words as one line that any POSIX shell splits into the very same words. The only place where quoting is done. */
export const quote = (words: readonly string[]): string =>
  words.map(word => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')

/** The line for the remote login shell. `sudo -n` fails rather than asks: nobody is there to answer. */
export function commandLine(command: Command, { sudo }: { sudo: boolean }): string {
  const words = 'script' in command ? ['sh', '-c', command.script, 'sh', ...(command.args ?? [])] : command
  return quote(sudo ? ['sudo', '-n', '--', ...words] : words)
}
