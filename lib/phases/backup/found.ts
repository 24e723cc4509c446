import { type Manifest, readManifest } from '../../model/backup/manifest.ts'
import { backupsAmong, manifestObject, VERIFIED } from '../../model/backup/name.ts'
import { backupPlace, type PlaceContext } from './place.ts'

/** A backup in the bucket. */
export interface FoundBackup {
  name: string
  /** Undefined where it can't be read, or there is none: then it is no backup. */
  manifest: Manifest | undefined
  /** Why it is no backup. */
  wrong: string | undefined
  /** When it was last restored and found whole: ISO 8601. */
  verified: string | undefined
}

/** How many manifests are read at a time. */
const AT_A_TIME = 8

/** The environment's backups, newest first, and after them what is none. */
export async function backupsFound(context: PlaceContext): Promise<FoundBackup[]> {
  const { store, prefix } = await backupPlace(context)
  const said = await store.annotations(prefix)
  const { complete, incomplete } = backupsAmong(prefix, [...said.keys()])
  const found: FoundBackup[] = []
  for (let at = 0; at < complete.length; at += AT_A_TIME) {
    const names = complete.slice(at, at + AT_A_TIME)
    const read = names.map(async name => {
      const text = await store.content(manifestObject(prefix, name))
      // It was removed since it was listed.
      if (text === undefined) return []
      const manifest = readManifest(name, text)
      const verified = said.get(manifestObject(prefix, name))?.[VERIFIED]
      return [
        'wrong' in manifest
          ? { name, manifest: undefined, wrong: `its manifest is not valid: ${manifest.wrong}`, verified }
          : { name, manifest, wrong: undefined, verified },
      ]
    })
    found.push(...(await Promise.all(read)).flat())
  }
  return [
    ...found,
    ...incomplete.map(name => ({ name, manifest: undefined, wrong: 'incomplete: it has no manifest', verified: undefined })),
  ]
}
