import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createQueue } from '../../../lib/runtime/queue.ts'

const queue = suite('createQueue')
for (const most of [1, 3]) {
  queue(`${most} at a time, in order, whether they fail or not`, async () => {
    const enqueue = createQueue(most)
    const begun: number[] = []
    let running = 0
    let highest = 0
    const works = [0, 1, 2, 3, 4, 5, 6].map(number =>
      enqueue(async () => {
        begun.push(number)
        highest = Math.max(highest, ++running)
        await new Promise(resolve => setTimeout(resolve, 5))
        running--
        if (number % 2 === 1) throw new Error(String(number))
        return number
      }),
    )
    const ends = await Promise.allSettled(works)
    assert.equal([begun, highest], [[0, 1, 2, 3, 4, 5, 6], most])
    assert.equal(
      ends.map(end => (end.status === 'fulfilled' ? end.value : String(end.reason))),
      [0, 'Error: 1', 2, 'Error: 3', 4, 'Error: 5', 6],
    )
    assert.is(await enqueue(async () => 'later'), 'later')
  })
}
queue.run()
