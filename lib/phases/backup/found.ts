import { type Manifest, readManifest } from '../../model/backup/manifest.ts'
import { backupsAmong, manifestObject } from '../../model/backup/name.ts'
import { backupPlace, type PlaceContext } from './place.ts'

/** A backup in the bucket. */
export interface FoundBackup {
  name: string
  /** Undefined where it can't be read, or there is none: then it is no backup. */
  manifest: Manifest | undefined
  /** Why it is no backup. */
  wrong: string | undefined
}

/** How many manifests are read at a time. */
const AT_A_TIME = 8

/** The environment's backups, newest first, and after them what is none. */
export async function backupsFound(context: PlaceContext): Promise<FoundBackup[]> {
  const { store, prefix } = await backupPlace(context)
  const { complete, incomplete } = backupsAmong(prefix, await store.list(prefix))
  const found: FoundBackup[] = []
  for (let at = 0; at < complete.length; at += AT_A_TIME) {
    const names = complete.slice(at, at + AT_A_TIME)
    const read = names.map(async name => {
      const text = await store.content(manifestObject(prefix, name))
      // It was removed since it was listed.
      if (text === undefined) return []
      const manifest = readManifest(name, text)
      return [
        'wrong' in manifest
          ? { name, manifest: undefined, wrong: `its manifest is not valid: ${manifest.wrong}` }
          : { name, manifest, wrong: undefined },
      ]
    })
    found.push(...(await Promise.all(read)).flat())
  }
  return [...found, ...incomplete.map(name => ({ name, manifest: undefined, wrong: 'incomplete: it has no manifest' }))]
}
