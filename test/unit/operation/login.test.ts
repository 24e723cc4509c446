import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isLeftByLogin } from '../../../lib/operation/login.ts'

const SPACE = 'a-boot pid:[40265]'
const left = suite('what a login that was killed has left')
for (const [file, lives, space, expected] of [
  ['ssh-7-12-40265', false, SPACE, true],
  ['known-hosts-7-12-40265', false, SPACE, true],
  ['ssh-7-12-40265', true, SPACE, false],
  ['ssh-7-12-40266', false, SPACE, false],
  ['ssh-7--', false, '', true],
  ['ssh-7--', true, '', false],
  ['tunnel-16443', false, SPACE, false],
  ['ssh-agent', false, SPACE, false],
] as const)
  left(`${file}, ${lives ? 'alive' : 'dead'}, seen from ${space || 'nowhere'}`, () =>
    assert.is(
      isLeftByLogin(file, () => lives, space),
      expected,
    ),
  )
left.run()
