#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { here } from '../../lab/state/layout.ts'
import { precondition, usage } from '../../lib/runtime/errors.ts'
import { script } from '../../lib/runtime/script.ts'
import { visible } from '../../lib/runtime/visible.ts'

export default script<{ follow?: boolean; lines: string }>({
  name: 'lab:logs',
  summary: "The end of the lab's logs: google, delivery, forwarder, tools, and each machine's console.",

  define: command =>
    command
      .argument('[name]', 'only this log, e.g. google')
      .option('-f, --follow', 'keep printing new lines, until Ctrl-C')
      .option('-n, --lines <number>', 'number of lines of each log', '40'),

  async run({ args: [name], options, signal }) {
    const files = (await readdir(here.logs).catch((): string[] => [])).sort()
    if (files.length === 0) throw precondition('the lab has written no logs', 'start it: `./taskw lab:up`')
    const wanted = name ? files.filter(file => file.startsWith(name)) : files
    if (wanted.length === 0) throw usage(`there is no log "${name}"`, `one of: ${files.join(', ')}`)
    const paths = wanted.map(file => join(here.logs, file))
    if (options.json) return { document: { logs: paths } }
    const tail = spawn('tail', ['-n', options.lines, ...(options.follow ? ['-F'] : []), ...paths], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const end = () => tail.kill()
    signal.addEventListener('abort', end, { once: true })
    // A container's output is in them.
    for await (const line of createInterface({ input: tail.stdout })) process.stdout.write(`${visible(line)}\n`)
    return { document: {} }
  },
})
