import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { shareProgress } from '../../../lib/runtime/progress.ts'

const shared = suite('shareProgress')
shared('names all that run, but the one whose turn it is', async () => {
  const lines: string[] = []
  const { run, turn } = shareProgress(line => lines.push(line))
  const [a, b] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let say = (_: string): void => undefined
  const both = [
    run('a', progress => {
      say = progress
      return a.promise
    }),
    run('b', () => b.promise),
  ]
  turn('a')
  say('1/2')
  a.resolve()
  await both[0]
  turn('b')
  b.reject(new Error('no'))
  assert.is(await both[1]?.then(String, String), 'Error: no')
  assert.equal(lines, ['a', 'a, b', 'beside it b', '1/2; beside it b', 'beside it b', '', ''])
})
shared.run()
