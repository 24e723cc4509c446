import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isFreeLock } from '../../../lib/model/layer/adoption.ts'
import type { Command } from '../../../lib/terraform/command.ts'
import { follow, untilLocked } from '../../../lib/terraform/plan.ts'

const diagnostic = (detail: string) =>
  JSON.stringify({
    type: 'diagnostic',
    diagnostic: { severity: 'error', summary: 'Error acquiring the state lock', detail },
  })
/** The holder let it go between Terraform's attempt and its look at who has it. */
const VANISHED = diagnostic(
  'Error message: 2 errors occurred:\n* writing "gs://b/00-vpc/state/default.tflock" failed: googleapi: Error 412: conditionNotMet\n* storage: object doesn\'t exist',
)
const HELD = diagnostic('Error message: googleapi: Error 412\nLock Info:\n  ID:        123\n  Who:       bob@far')
const FORBIDDEN = diagnostic('Error message: googleapi: Error 403: no storage.objects.create')
const BUSY = diagnostic('Error message: googleapi: Error 503: try again')

const follows = suite('follow')
for (const [why, lines, runs, exitCode] of [
  ['a state lock that was let go meanwhile is asked for again', [VANISHED, VANISHED, undefined], 3, 0],
  ['a bucket that is busy, too', [BUSY, undefined], 2, 0],
  ['but not for ever', [VANISHED, VANISHED, VANISHED, VANISHED, VANISHED, VANISHED], 4, 1],
  ['a lock that somebody holds is told', [HELD, undefined], 1, 1],
  ['a bucket that refuses it is told', [FORBIDDEN, undefined], 1, 1],
  [
    'any other failure is told',
    [JSON.stringify({ type: 'diagnostic', diagnostic: { severity: 'error', summary: 'Error 412' } })],
    1,
    1,
  ],
] as [string, (string | undefined)[], number, number][]) {
  follows(why, async () => {
    const left = [...lines]
    let count = 0
    const command = {
      async run(_: string, __: string[], { onLine }: { onLine(line: string): void }) {
        count++
        const line = left.shift()
        if (line) onLine(line)
        return { exitCode: line ? 1 : 0, stdout: '', stderr: '', silent: false }
      },
      stopped: () => undefined,
    } as unknown as Command
    const ended = await follow(command, '/', ['plan'], {})
    assert.equal([count, ended.exitCode], [runs, exitCode])
    assert.is(ended.said.errors.length, exitCode)
  })
}
follows('one that was interrupted meanwhile is not begun again', async () => {
  let count = 0
  const command = {
    async run(_: string, __: string[], { onLine }: { onLine(line: string): void }) {
      count++
      onLine(VANISHED)
      return { exitCode: 1, stdout: '', stderr: '', silent: false }
    },
    stopped: () => new Error('interrupted'),
  } as unknown as Command
  await follow(command, '/', ['plan'], {})
  assert.is(count, 1)
})
follows('so does any other command', async () => {
  const ends = [1, 1, 0].map(exitCode => ({
    exitCode,
    stdout: '',
    stderr: exitCode ? 'Error: Error acquiring the state lock\n\n│ googleapi: Error\n│ 412: conditionNotMet' : '',
    silent: false,
  }))
  const command = { stopped: () => undefined } as unknown as Command
  let count = 0
  const run = async () => ends[count++] as (typeof ends)[number]
  const ended = await untilLocked(command, run, ({ stderr }) => isFreeLock(stderr))
  assert.equal([count, ended.exitCode], [3, 0])
})
follows.run()
