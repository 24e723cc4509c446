import type { Command } from 'commander'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parsedArguments } from '../../../lib/runtime/script.ts'

const parse = (define: (command: Command) => void, argv: string[]) =>
  parsedArguments<Record<string, unknown>>({ name: 'test', summary: '', define, run: async () => ({ document: {} }) }, argv)

const positional = suite('positional arguments')

const one = (command: Command) => void command.argument('[layer]')
const byDefault = (command: Command) => void command.argument('[layer]', 'a layer', '01-k8s')
const many = (command: Command) => void command.argument('[layers...]')
const manyByDefault = (command: Command) => void command.argument('[layers...]', 'layers', ['00-vpc', '01-k8s'])
const both = (command: Command) => void command.argument('<service>').argument('[layers...]')
const none = () => undefined

const CASES: [name: string, define: (command: Command) => void, argv: string[], args: string[]][] = [
  ['an optional one that is given', one, ['00-vpc'], ['00-vpc']],
  ['an optional one that is left out', one, [], []],
  ['a default', byDefault, [], ['01-k8s']],
  ['a default is overridden', byDefault, ['00-vpc'], ['00-vpc']],
  ['several', many, ['00-vpc', '01-k8s'], ['00-vpc', '01-k8s']],
  ['several that are left out', many, [], []],
  ['several by default', manyByDefault, [], ['00-vpc', '01-k8s']],
  ['several defaults are overridden', manyByDefault, ['02-argocd-app'], ['02-argocd-app']],
  ['one and several', both, ['nextjs', '00-vpc', '01-k8s'], ['nextjs', '00-vpc', '01-k8s']],
  ['options are none of them', many, ['--json', '00-vpc', '--quiet'], ['00-vpc']],
  ['where there are none', none, [], []],
]
for (const [name, define, argv, args] of CASES) positional(name, () => assert.equal(parse(define, argv).args, args))

positional('what the script does not know is refused', () => {
  for (const [define, argv] of [
    [none, ['more']],
    [one, ['00-vpc', '01-k8s']],
    [both, []],
    [many, ['--nothing']],
  ] as const) {
    assert.throws(() => parse(define, [...argv]), /argument|option/)
  }
})

positional.run()

const options = suite('options')
options('the common ones, and those that a script adds', () => {
  const define = (command: Command) => void command.option('--lines <number>', '', '40')
  assert.equal(parse(define, ['--json', '--debug']).options, { json: true, debug: true, lines: '40' })
})
options.run()
