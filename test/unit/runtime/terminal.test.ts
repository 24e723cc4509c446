import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { agrees } from '../../../lib/runtime/terminal.ts'

const answers = suite('agrees')
for (const [answer, expected] of [
  ['y', true],
  ['YES', true],
  ['', false],
  ['n', false],
  ['yesterday', false],
  ['prod', false],
] as const) {
  answers(answer || 'nothing', async () => {
    const asked: string[] = []
    const ask = async (question: string) => {
      asked.push(question)
      return answer
    }
    assert.is(await agrees({ isInteractive: true, ask }, 'Go on'), expected)
    assert.equal(asked, ['Go on? [y/N] '])
  })
}
answers.run()
