import { quote } from '../model/shell.ts'

/** What to run on a host: a command as a list of words, or a POSIX sh script with positional arguments `$1`, `$2`, … */
export type Command = readonly string[] | Script

export interface Script {
  script: string
  args?: readonly string[]
}

/** The line for the remote login shell. `sudo -n` fails rather than ask for a password: nobody is there to type one. */
export function commandLine(command: Command, { sudo }: { sudo: boolean }): string {
  const words = 'script' in command ? ['sh', '-c', command.script, 'sh', ...(command.args ?? [])] : command
  return quote(sudo ? ['sudo', '-n', '--', ...words] : words)
}
