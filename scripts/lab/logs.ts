#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { precondition, usage } from '../../lib/runtime/errors.ts'
import { script } from '../../lib/runtime/script.ts'

export default script<{ follow?: boolean; lines: string }>({
  name: 'lab:logs',
  summary: "The end of the lab's logs: google, delivery, forwarder, tools, and each machine's console.",

  define: command =>
    command
      .argument('[name]', 'only this log, e.g. google')
      .option('-f, --follow', 'keep printing new lines, until Ctrl-C')
      .option('-n, --lines <number>', 'number of lines of each log', '40'),

  async run({ args: [name], options, signal }) {
    const { printEnds } = await import('../../lab/lifecycle/logs.ts')
    const { here } = await import('../../lab/state/layout.ts')

    const lines = Number(options.lines)
    if (!/^\d+$/.test(options.lines))
      throw usage(`--lines ${options.lines} is no number of lines`, 'give 0 or more: --lines 100')
    const files = (await readdir(here.logs).catch((): string[] => [])).sort()
    if (files.length === 0) throw precondition('the lab has written no logs', 'start it: `./taskw lab:up`')
    const wanted = name ? files.filter(file => file.startsWith(name)) : files
    if (wanted.length === 0) throw usage(`there is no log "${name}"`, `one of: ${files.join(', ')}`)
    const paths = wanted.map(file => join(here.logs, file))
    if (options.json) return { document: { logs: paths } }
    await printEnds(paths, { lines, follow: options.follow === true, signal })
    return { document: {} }
  },
})
