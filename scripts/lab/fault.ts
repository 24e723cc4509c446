#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import type { ListedFault } from '../../lab/faults/fault.ts'
import { openFaults } from '../../lab/faults/faults.ts'
import { usage } from '../../lib/runtime/errors.ts'
import { script } from '../../lib/runtime/script.ts'
import { table } from '../../lib/runtime/table.ts'

interface Options {
  list?: boolean
  /** `true` for all. */
  clear?: string | true
  /** Whatever else is given is a member of the fault. */
  [member: string]: string | number | boolean | undefined
}

const KINDS = [
  ...['status', 'delay', 'cut', 'lost-answer', 'context-error', 'context-hang', 'tunnel', 'tunnel-cut', 'token-expired'],
  ...['preempt', 'disk-full', 'clock-skew', 'git-down', 'registry-down', 'actions-down'],
]

export default script<Options>({
  name: 'lab:fault',
  summary: 'Have something go wrong in the lab, list what is planned, or clear it. docs/lab.md describes the faults.',

  define: command =>
    command
      .argument('[kind]', `${KINDS.slice(0, -1).join(', ')} or ${KINDS.at(-1)}`)
      .option('--route <pattern>', 'which requests, e.g. "POST /compute/**/createSnapshot"; all without')
      .option('--status <code>', 'HTTP status (503)', Number)
      .option('--reason <word>', "Google's reason beside it")
      .option('--ms <number>', 'delay in milliseconds', Number)
      .option('--context <type>', 'which operations, e.g. createSnapshot; all without')
      .option('--code <code>', "the context's error (INTERNAL_ERROR)")
      .option('--message <text>', 'what it says')
      .option('--latency-ms <number>', 'how late each frame of a tunnel is, both ways', Number)
      .option('--loss <share>', 'share of frames with which the connection breaks, 0 to 1', Number)
      .option('--phase <id>', 'when this phase begins, e.g. layer/01-k8s')
      .option('--machine <name>', 'which machine; may be left out when there is only one')
      .option('--leave-mb <number>', 'what a full disk has left, in MiB (0)', Number)
      .option('--seconds <number>', 'by how much the clock is ahead (3600)', Number)
      .option('--times <number>', 'how often it happens; until it is cleared without', Number)
      .option('--skip <number>', 'how many it lets pass before', Number)
      .option('--list', 'show what is planned')
      .option('--clear [id]', 'end one, or all'),

  async run({ args: [kind], options: { list, clear, json, debug, quiet, ...members }, log }) {
    const faults = await openFaults()
    if (kind === 'tunnel-cut') await faults.cutTunnels()
    else if (kind) log.info(describe(await faults.add({ kind, ...members })))
    else if (clear !== undefined) await faults.clear(clear === true ? undefined : clear)
    else if (!list) throw usage('no fault is named', 'name one, or give --list or --clear')
    const planned = await faults.list()
    return { document: { faults: planned }, text: list ? show(planned) : '' }
  },
})

/** Its kind and what it is made of, in one line. */
function describe({ id, kind, happened: _, ...members }: ListedFault): string {
  return [id, kind, ...Object.entries(members).map(([name, value]) => `${name}=${value}`)].join(' ')
}

const show = (planned: ListedFault[]): string =>
  planned.length === 0
    ? 'nothing goes wrong on demand'
    : table(
        ['HAPPENED', 'FAULT'],
        planned.map(fault => [fault.happened, describe(fault)]),
      )
