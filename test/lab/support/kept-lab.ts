import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $ } from 'zx/core'
import type { Checkout, Ran } from './checkout.ts'
import { copyLab } from './copied-lab.ts'
import { KEPT_LABS } from './scratch.ts'

/**
 * Brings a new checkout up until everything is verified. In a run that keeps labs the first checkout of a tree begins from nothing:
 * its lab is taken down and copied in between. Every later one begins with the copy, in which the VM is as if it had been preempted.
 * @returns what failed, or the last `up`
 */
export async function bringUp(checkout: Checkout): Promise<Ran> {
  try {
    const ran = await broughtUp(checkout)
    if (ran.code !== 0) tell(`up ended with ${ran.code}\n${ran.stderr}`)
    return ran
  } catch (error) {
    tell(String(error))
    throw error
  }
}

/** uvu says nothing of what fails before the first test. */
const tell = (reason: string) => process.stderr.write(`bringing the lab up failed: ${reason}\n`)

async function broughtUp(checkout: Checkout): Promise<Ran> {
  const folder = process.env[KEPT_LABS]
  if (folder === undefined) return checkout.json('up')
  const lab = join(checkout.directory, '.lab')
  const kept = join(folder, await treeOf(checkout))
  if (existsSync(kept)) {
    await copyLab(kept, lab)
    return appliedNothing(await checkout.json('up'))
  }
  const first = await checkout.json('up')
  if (first.code !== 0 || !(await isKeeper(kept))) return first
  const down = await checkout.task('lab:down')
  if (down.code !== 0) return down
  await copyLab(lab, kept)
  return checkout.json('up')
}

/** Files run side by side: of those that began from nothing one keeps its lab. */
async function isKeeper(kept: string): Promise<boolean> {
  await mkdir(dirname(kept), { recursive: true })
  return mkdir(`${kept}.keeper`).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
}

/** A layer that had to be applied again names something that `copyLab` does not know, or takes for the same what is not. */
function appliedNothing(ran: Ran): Ran {
  if (ran.code !== 0) return ran
  const applied = (ran.document.phases ?? []).filter(({ id, status }) => id.startsWith('layer/') && status !== 'skipped')
  if (applied.length > 0)
    throw new Error(`the copied lab is not the kept one: ${applied.map(({ id }) => id).join(', ')} was applied`)
  return ran
}

/** The id of all that is committed, by which Git tells one content from another. */
const treeOf = async ({ directory }: Checkout): Promise<string> =>
  (await $({ quiet: true, cwd: directory })`git rev-parse ${'HEAD^{tree}'}`).stdout.trim()
