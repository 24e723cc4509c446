import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  describeErrors,
  describeProgress,
  emptyStream,
  readStreamLine,
  type StreamState,
} from '../../../../lib/model/layer/stream.ts'

const line = (message: object) => JSON.stringify(message)
const read = (...lines: string[]): StreamState => lines.reduce(readStreamLine, emptyStream)
const planned = (addr: string, action: string) => line({ type: 'planned_change', change: { resource: { addr }, action } })
const hook = (type: string, addr: string, action: string, elapsed_seconds?: number) =>
  line({ type, hook: { resource: { addr }, action, elapsed_seconds } })

const stream = suite('readStreamLine')

stream('a replacement is one change and two operations', () => {
  const state = read(planned('a.b', 'replace'), hook('apply_start', 'a.b', 'delete'), hook('apply_complete', 'a.b', 'delete'))
  assert.equal(state.changes, [{ address: 'a.b', action: 'replace' }])
  assert.is(state.total, 2)
  assert.is(state.finished, 1)
})

stream('deletion and creation on one address are told apart', () => {
  const state = read(
    hook('apply_start', 'a.b', 'delete'),
    hook('apply_start', 'a.b', 'create'),
    hook('apply_complete', 'a.b', 'delete'),
  )
  assert.equal(Object.keys(state.running), ['a.b create'])
})

stream('progress names what has been at it longest', () => {
  const state = read(
    planned('x', 'create'),
    planned('y', 'create'),
    hook('apply_progress', 'x', 'create', 20),
    hook('apply_start', 'y', 'create'),
  )
  assert.is(describeProgress(state), '0/2 · create x (20 s)')
})

stream('outputs alone are a change', () => {
  assert.is(read(line({ type: 'outputs', outputs: { a: { action: 'update' } } })).outputsChanged, true)
  assert.is(read(line({ type: 'outputs', outputs: { a: { action: 'noop' } } })).outputsChanged, false)
})

stream('warnings are no errors, and an error said twice is said once', () => {
  const error = line({
    type: 'diagnostic',
    diagnostic: { severity: 'error', summary: 'No', detail: 'because', address: 'a.b' },
  })
  const state = read(line({ type: 'diagnostic', diagnostic: { severity: 'warning', summary: 'hm' } }), error, error)
  assert.is(describeErrors(state.errors), 'No\n  at a.b\nbecause')
})

stream('a line that is no JSON changes nothing', () => assert.is(read('waiting for the provider …'), emptyStream))

stream.run()
