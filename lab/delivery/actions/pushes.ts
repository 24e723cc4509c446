import { watch } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../../lib/runtime/errors.ts'

/** A branch that was pushed to. */
export interface BranchPush {
  /** Name without `.git`. */
  repository: string
  branch: string
  /** All zeros for a new branch. */
  before: string
  after: string
}

/** Where the hooks of a lab's repositories leave their notes. */
export const notesOf = (lab: string): string => join(lab, 'actions/pushes')

/** Runs in the repository, `<lab>/git/<name>.git`; git feeds it a line per ref: `<before> <after> <ref>`. githooks(5) */
const HOOK = `#!/bin/sh
# Leaves a note of the push for the CI runner, which picks it up now or when it next starts.
set -eu
repository=$(basename "$(pwd)" .git)
notes=$(pwd)/../../actions/pushes
mkdir -p "$notes"
note=$(mktemp "$notes/.XXXXXXXX")
sed "s|^|$repository |" >"$note"
mv "$note" "$notes/$(date +%s%N)-\${note##*.}"
`

export async function installHook(repository: string): Promise<void> {
  const hook = join(repository, 'hooks/post-receive')
  await mkdir(join(repository, 'hooks'), { recursive: true })
  await writeFile(hook, HOOK)
  await chmod(hook, 0o755)
}

/**
 * Calls `onPush` for each pushed branch, one at a time, including those pushed while nothing was listening.
 * @returns a function that stops listening
 */
export async function listenForPushes(notes: string, onPush: (push: BranchPush) => Promise<void>): Promise<() => void> {
  await mkdir(notes, { recursive: true })
  let taking: Promise<void> = Promise.resolve()
  const take = () => {
    taking = taking
      .then(() => takeNotes(notes, onPush))
      .catch(error => console.error(`actions: a push failed and will be tried again: ${messageOf(error)}`))
  }
  const watcher = watch(notes, take)
  take()
  return () => watcher.close()
}

/** A note is deleted once `onPush` has taken over its push. */
async function takeNotes(notes: string, onPush: (push: BranchPush) => Promise<void>): Promise<void> {
  const names = (await readdir(notes)).filter(name => !name.startsWith('.')).sort()
  for (const name of names) {
    for (const line of (await readFile(join(notes, name), 'utf8')).split('\n')) {
      const [repository = '', before = '', after = '', ref = ''] = line.split(' ')
      const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1]
      if (branch && !/^0+$/.test(after)) await onPush({ repository, branch, before, after })
    }
    await rm(join(notes, name), { force: true })
  }
}
