import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMemory } from '../../../lib/terraform/memory.ts'

const counting = () => {
  let made = 0
  return { make: async () => ++made, fail: () => Promise.reject(new Error(`failure ${++made}`)) }
}
const rejected = (promise: Promise<unknown>) =>
  promise.then(
    () => '',
    (error: Error) => error.message,
  )

const memory = suite('createMemory')
memory('makes a thing once, also for two who ask at once', async () => {
  const { get } = createMemory<number>()
  const { make } = counting()
  assert.equal(await Promise.all([get('a', make), get('a', make)]), [1, 1])
  assert.is(await get('a', make), 1)
})
memory('makes another under another key', async () => {
  const { get } = createMemory<number>()
  const { make } = counting()
  assert.equal([await get('a', make), await get('b', make)], [1, 2])
})
memory('tells a failure to all who wait for it, and tries again for the next', async () => {
  const { get } = createMemory<number>()
  const { make, fail } = counting()
  const both = [rejected(get('a', fail)), rejected(get('a', fail))]
  assert.equal(await Promise.all(both), ['failure 1', 'failure 1'])
  assert.is(await get('a', make), 2)
})
memory('forgets', async () => {
  const { get, forget } = createMemory<number>()
  const { make } = counting()
  await get('a', make)
  forget('a')
  assert.is(await get('a', make), 2)
})
memory.run()
