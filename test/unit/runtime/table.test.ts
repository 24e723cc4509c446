import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { table } from '../../../lib/runtime/table.ts'

const tables = suite('table')
for (const [why, heading, rows, expected] of [
  [
    'columns as wide as their longest cell, and nothing after the last',
    ['NAME', 'N'],
    [
      ['threads-lab-vm', 1],
      ['a', 12],
    ],
    ['NAME            N', 'threads-lab-vm  1', 'a               12'],
  ],
  ['a heading alone', ['NAME', 'N'], [], ['NAME  N']],
  ['an empty cell', ['A', 'B', 'C'], [['x', '', 'z']], ['A  B  C', 'x     z']],
  ['a row too short', ['A', 'B'], [['x']], ['A  B', 'x']],
  ['a row too long', ['A'], [['x', 'y']], ['A', 'x  y']],
] as [string, string[], (string | number)[][], string[]][]) {
  tables(why, () => assert.equal(table(heading, rows).split('\n'), expected))
}
tables.run()
