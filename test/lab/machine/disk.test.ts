import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { personalFolders } from '../../../lab/machine/disk.ts'

const EMPTIED = ['/home', '/root', '/work']
const table = suite("which of the host user's folders a machine does not see")
for (const [what, folders, expected] of [
  ['both', ['/a/checkouts', '/b/user'], ['/a/checkouts', '/b/user']],
  ['the home folder is beside the checkout', ['/tmp/cold', '/tmp/cold/home'], ['/tmp/cold']],
  ['the checkout is in the home folder', ['/tmp/me/code', '/tmp/me'], ['/tmp/me']],
  ['both are one', ['/tmp/me', '/tmp/me'], ['/tmp/me']],
  ['a name that begins like the other', ['/tmp/me', '/tmp/me2'], ['/tmp/me', '/tmp/me2']],
  ['those in folders that are emptied anyway', ['/work/main', '/home/me'], []],
  ['one that is emptied anyway', ['/work', '/root'], []],
  ["of every machine's root", ['/tmp', '/usr'], []],
] as const) {
  table(what, () => assert.equal(personalFolders(folders, EMPTIED), [...expected]))
}
table.run()
