import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Gives `use` a folder of its own, 0700 and gone afterwards, with links to some files of another. */
export async function withScratch<T>(
  parent: string,
  { from, files }: { from: string; files: string[] },
  use: (folder: string) => Promise<T>,
): Promise<T> {
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(parent, 'scratch-'))
  try {
    for (const file of files) await symlink(join(from, file), join(folder, file))
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Terraform leaves files alone whose names begin with a dot. */
export const isConfiguration = (file: string): boolean => /^[^.].*\.tf(\.json)?$/.test(file)

/** The files from which Terraform takes values by itself. https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files */
export const isValues = (file: string): boolean =>
  /^terraform\.tfvars(\.json)?$/.test(file) || /\.auto\.tfvars(\.json)?$/.test(file)

/** The names of a root's files; none when there is no such folder. */
export const filesIn = async (root: string): Promise<string[]> => (await readdir(root).catch((): string[] => [])).sort()
