#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { Argument } from 'commander'
import type { ListedFault } from '../../lab/faults/fault.ts'
import { valued } from '../../lib/command-line/values.ts'
import { usage } from '../../lib/runtime/errors.ts'
import { script } from '../../lib/runtime/script.ts'
import { table } from '../../lib/runtime/table.ts'

interface Options {
  list?: boolean
  /** `true` clears all. */
  clear?: string | true
  /** All other options are members of the fault. */
  [member: string]: string | number | boolean | undefined
}

const KINDS = [
  ...['status', 'delay', 'cut', 'lost-answer', 'operation-error', 'operation-hang', 'tunnel', 'tunnel-cut', 'token-expired'],
  ...['preempt', 'disk-full', 'clock-skew', 'git-down', 'registry-down', 'actions-down'],
]

export default script<Options>({
  name: 'lab:fault',
  summary: 'Make something go wrong in the lab, list the planned faults, or clear them. docs/lab.md describes the faults.',

  define: command =>
    command
      .addArgument(valued(KINDS, new Argument('[kind]', `${KINDS.slice(0, -1).join(', ')} or ${KINDS.at(-1)}`)))
      .option('--route <pattern>', 'which requests, e.g. "POST /compute/**/createSnapshot" (all)')
      .option('--status <code>', 'HTTP status (503)', Number)
      .option('--reason <word>', "Google's reason with that status")
      .option('--ms <number>', 'delay in milliseconds', Number)
      .option('--operation <type>', 'which operations, e.g. createSnapshot (all)')
      .option('--code <code>', "the operation's error code (INTERNAL_ERROR)")
      .option('--message <text>', "the operation's error message")
      .option('--latency-ms <number>', 'delay of each frame of a tunnel, both ways', Number)
      .option('--loss <share>', 'share of frames that break the connection, 0 to 1', Number)
      .option('--phase <id>', 'preempt when this phase begins, e.g. layer/01-k8s')
      .option('--machine <name>', 'which machine; not needed when there is only one')
      .option('--leave-mb <number>', 'MiB that a full disk has left (0)', Number)
      .option('--seconds <number>', 'seconds by which the clock is ahead (3600)', Number)
      .option('--times <number>', 'how many times it happens (until it is cleared)', Number)
      .option('--skip <number>', 'how many matches it lets pass first (0)', Number)
      .option('--list', 'show the planned faults')
      .option('--clear [id]', 'end one fault, or all'),

  async run({ args: [kind], options: { list, clear, json, debug, quiet, ...members }, log }) {
    const { openFaults } = await import('../../lab/faults/faults.ts')

    const faults = await openFaults()
    if (kind === 'tunnel-cut') await faults.cutTunnels()
    else if (kind) log.info(describe(await faults.add({ kind, ...members })))
    else if (clear !== undefined) await faults.clear(clear === true ? undefined : clear)
    else if (!list) throw usage('no kind of fault was given', 'give one, or --list or --clear')
    const planned = await faults.list()
    return { document: { faults: planned }, text: list ? show(planned) : '' }
  },
})

/** A fault's id, kind and members in one line. */
function describe({ id, kind, happened: _, ...members }: ListedFault): string {
  return [id, kind, ...Object.entries(members).map(([name, value]) => `${name}=${value}`)].join(' ')
}

const show = (planned: ListedFault[]): string =>
  planned.length === 0
    ? 'No faults are planned.'
    : table(
        ['HAPPENED', 'FAULT'],
        planned.map(fault => [fault.happened, describe(fault)]),
      )
