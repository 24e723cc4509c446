import { createInterface } from 'node:readline/promises'
import { redact } from './redact.ts'
import { visible } from './visible.ts'

/** Where answers come from: a terminal, or nothing. */
export interface Terminal {
  isInteractive: boolean
  ask(question: string): Promise<string>
}

/** The operator's own: asks on stderr, as stdout is the result's. */
export const standardTerminal: Terminal = {
  get isInteractive() {
    return process.stdin.isTTY === true
  },
  async ask(question) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return (await terminal.question(visible(redact(question)))).trim()
    } finally {
      terminal.close()
    }
  },
}

/** Asks a question that only a yes agrees to. @param question without its question mark */
export const agrees = async (terminal: Terminal, question: string): Promise<boolean> =>
  /^y(es)?$/i.test(await terminal.ask(`${question}? [y/N] `))
