import { quote } from '../model/shell.ts'

/** What runs on a host: a command as its words, or a POSIX sh script with its positional arguments `$1`, `$2`, … */
export type Command = readonly string[] | Script

export interface Script {
  script: string
  args?: readonly string[]
}

/** The line for the remote login shell. `sudo -n` fails rather than asks: nobody is there to answer. */
export function commandLine(command: Command, { sudo }: { sudo: boolean }): string {
  const words = 'script' in command ? ['sh', '-c', command.script, 'sh', ...(command.args ?? [])] : command
  return quote(sudo ? ['sudo', '-n', '--', ...words] : words)
}
