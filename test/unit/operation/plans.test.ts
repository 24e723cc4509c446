import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { removeLeftPlans } from '../../../lib/operation/plans.ts'

const NOBODY = 2 ** 22 + 1

const plans = suite('removeLeftPlans')
plans('those of runs that have ended go, those of runs that go on stay', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plans-'))
  try {
    for (const name of [`lab-${NOBODY}`, `lab-staging-${process.pid}`, `lab-${process.ppid}`, 'strange'])
      await mkdir(join(folder, name, 'sub'), { recursive: true })
    await removeLeftPlans(folder)
    assert.equal((await readdir(folder)).sort(), [`lab-${process.ppid}`, `lab-staging-${process.pid}`].sort())
  } finally {
    await rm(folder, { recursive: true })
  }
})
plans('without a folder there is nothing to remove', () => removeLeftPlans(join(tmpdir(), 'no-such-folder')))
plans.run()
