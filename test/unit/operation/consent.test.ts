import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ConsentOptions } from '../../../lib/command-line/options.ts'
import { consentOf } from '../../../lib/operation/consent.ts'
import type { ConsentRequest } from '../../../lib/operation/context.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'

const NAME = 'prod'
type Guards = { confirm: 'none' | 'typed'; destroy: boolean; drills: boolean }
type Word = Pick<ConsentRequest, 'destroys' | 'requested'>

/** What comes of a request, and what was asked and said on the way. `answer`: undefined is no terminal. */
async function asked(
  guards: Partial<Guards>,
  request: Partial<ConsentRequest>,
  options: ConsentOptions = {},
  answer?: string,
): Promise<{ code: number; message: string; hint: string; questions: string[]; warnings: string[] }> {
  const questions: string[] = []
  const warnings: string[] = []
  const consent = consentOf(
    { name: NAME, guards: { confirm: 'none', destroy: true, drills: true, ...guards } },
    options,
    { warn: text => warnings.push(text) },
    {
      isInteractive: answer !== undefined,
      ask: async question => {
        questions.push(question)
        return answer ?? ''
      },
    },
  )
  try {
    await consent({ question: 'Destroy 00-vpc', destroys: true, ...request })
    return { code: 0, message: '', hint: '', questions, warnings }
  } catch (error) {
    if (!(error instanceof OpsError)) throw error
    const { code, message, hint } = error
    return { code, message, hint, questions, warnings }
  }
}

const LOSS: Word = { destroys: true, requested: false }
const REQUESTED_LOSS: Word = { destroys: true, requested: true }
const CHANGE: Word = { destroys: false, requested: false }
const REQUESTED_CHANGE: Word = { destroys: false, requested: true }
const show = ({ destroys, requested }: Word) => `${requested ? 'requested, ' : ''}${destroys ? 'destroys' : 'changes'}`

const BARE: ConsentOptions = {}
const YES: ConsentOptions = { yes: true }
const RIGHT: ConsentOptions = { confirm: NAME }
const WRONG: ConsentOptions = { confirm: 'lab' }
const BOTH: ConsentOptions = { yes: true, confirm: NAME }
const YES_WRONG: ConsentOptions = { yes: true, confirm: 'lab' }
const flags = ({ yes, confirm }: ConsentOptions) =>
  [...(yes ? ['--yes'] : []), ...(confirm ? [`--confirm=${confirm}`] : [])].join(' ') || 'no flag'

/** `passes` without a question, `yes`: a yes is asked for, `name`: the name is, `wrong`: another environment is named. */
type Way = 'passes' | 'yes' | 'name' | 'wrong'
const COLUMNS = [BARE, YES, RIGHT, BOTH, WRONG, YES_WRONG]
const MATRIX: [Guards['confirm'], Word, Way[]][] = [
  ['none', CHANGE, ['passes', 'passes', 'passes', 'passes', 'wrong', 'wrong']],
  ['none', REQUESTED_CHANGE, ['passes', 'passes', 'passes', 'passes', 'wrong', 'wrong']],
  ['none', LOSS, ['yes', 'passes', 'passes', 'passes', 'wrong', 'wrong']],
  ['none', REQUESTED_LOSS, ['passes', 'passes', 'passes', 'passes', 'wrong', 'wrong']],
  ['typed', CHANGE, ['yes', 'passes', 'passes', 'passes', 'wrong', 'wrong']],
  ['typed', REQUESTED_CHANGE, ['yes', 'passes', 'passes', 'passes', 'wrong', 'wrong']],
  ['typed', LOSS, ['name', 'name', 'passes', 'passes', 'wrong', 'wrong']],
  ['typed', REQUESTED_LOSS, ['name', 'name', 'passes', 'passes', 'wrong', 'wrong']],
]
/** Each answer with the ways that it lets go on. */
const ANSWERS: [string, Way[]][] = [
  ['y', ['yes']],
  ['Yes', ['yes']],
  [NAME, ['name']],
  ['', []],
  ['n', []],
  ['yess', []],
  ['Prod', []],
  ['lab', []],
]
const HINTS = { yes: 'add --yes', name: '--confirm=prod' }

const matrix = suite('consentOf')
for (const [confirm, word, ways] of MATRIX) {
  for (const [column, options] of COLUMNS.entries()) {
    const way = ways[column] as Way
    const what = `${confirm}, ${show(word)}, ${flags(options)}`
    const ask = (answer?: string) => asked({ confirm }, word, options, answer)
    if (way === 'passes' || way === 'wrong') {
      matrix(`${what}: ${way === 'wrong' ? 'refused' : 'passes'} unasked, terminal or not`, async () => {
        for (const answer of [undefined, 'n', NAME]) {
          const { code, questions } = await ask(answer)
          assert.equal([code, questions], [way === 'wrong' ? 2 : 0, []])
        }
      })
      continue
    }
    matrix(`${what}: without a terminal it is refused, and says which flag`, async () => {
      const { code, hint, questions } = await ask()
      assert.equal([code, questions], [4, []])
      assert.match(hint, HINTS[way])
    })
    for (const [answer, letsPass] of ANSWERS) {
      matrix(`${what}: "${answer}" for an answer`, async () => {
        const { code, questions } = await ask(answer)
        assert.is(code, letsPass.includes(way) ? 0 : 4)
        assert.is(questions.length, 1)
        assert.match(questions[0] ?? '', way === 'name' ? "Type the environment's name" : '[y/N]')
      })
    }
  }
}
matrix('the matrix is whole', () => {
  assert.is(new Set(MATRIX.map(([confirm, word]) => `${confirm} ${show(word)}`)).size, 8)
  for (const [, , ways] of MATRIX) assert.is(ways.length, COLUMNS.length)
})
matrix('what destroys is said before the question, what only changes is not', async () => {
  assert.equal((await asked({}, LOSS, {}, 'y')).warnings, ['Destroy 00-vpc: this destroys parts of prod.'])
  assert.equal((await asked({ confirm: 'typed' }, CHANGE, {}, 'y')).warnings, [])
})
matrix('an empty --confirm names no environment', async () => {
  assert.is((await asked({}, CHANGE, { confirm: '' }, NAME)).code, 2)
})
matrix('a request that says nothing of having been asked for was not', async () => {
  assert.equal((await asked({}, { destroys: true }, {}, 'y')).questions, ['Destroy 00-vpc? [y/N] '])
})
matrix.run()

const guards = suite('a guard of the environment')
for (const guard of ['destroy', 'drills'] as const) {
  for (const options of COLUMNS) {
    guards(`${guard} is false, ${flags(options)}: nobody is asked, nothing lifts it`, async () => {
      for (const answer of [undefined, NAME, 'y']) {
        const { code, hint, questions } = await asked({ [guard]: false }, { guard }, options, answer)
        assert.equal([code, questions], [4, []])
        assert.match(hint, `set guards.${guard} in environments/prod.yaml`)
      }
    })
  }
  guards(`${guard} is true: the rest is asked as ever`, async () => {
    assert.is((await asked({ confirm: 'typed' }, { guard }, YES)).code, 4)
    assert.is((await asked({ confirm: 'typed' }, { guard }, RIGHT)).code, 0)
  })
  guards(`${guard} is false, which is another matter for what does not name it`, async () => {
    const other = guard === 'destroy' ? 'drills' : 'destroy'
    assert.is((await asked({ [guard]: false }, { guard: other }, RIGHT)).code, 0)
    assert.is((await asked({ [guard]: false }, {}, RIGHT)).code, 0)
  })
}
guards.run()
