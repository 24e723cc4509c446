import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Layout } from '../state/layout.ts'
import { programPath } from './catalog.ts'
import { findOnPath } from './path.ts'

/** Makes `bin/kubectl` the machine's own, or else the catalogue's, which may still have to be built. */
export async function prepareKubectl({ bin }: Pick<Layout, 'bin'>): Promise<void> {
  const link = join(bin, 'kubectl')
  const made = `${link}.${process.pid}`
  await mkdir(bin, { recursive: true })
  await rm(made, { force: true })
  await symlink(findOnPath('kubectl', bin) ?? programPath('kubectl'), made)
  await rename(made, link)
}
