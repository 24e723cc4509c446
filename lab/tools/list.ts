import { isBuilt, readManifest } from './build.ts'
import { groupDirectory, programs } from './catalog.ts'
import { findOnPath } from './path.ts'
import { programVersion } from './version.ts'

export interface Tool {
  program: string
  version: string
  /** `PATH`: the machine's own; `cache`: built before; `built`: by this command; `missing`: not yet. */
  origin: 'PATH' | 'cache' | 'built' | 'missing'
  /** Duration of its build, which may include other programs. */
  seconds: number | null
  sha256: string | null
}

/** The lab's programs; `built` names those that the caller has just built. */
export async function listTools(built: readonly string[] = []): Promise<Tool[]> {
  return Promise.all(
    programs.map(async program => {
      const own = program.prefersPath === true && findOnPath(program.name) !== undefined
      const record = (await readManifest(groupDirectory(program.group)))[program.name]
      const origin = own ? 'PATH' : !isBuilt(program) ? 'missing' : built.includes(program.name) ? 'built' : 'cache'
      return {
        program: program.name,
        version: own ? 'of the machine' : await programVersion(program),
        origin,
        seconds: own ? null : (record?.seconds ?? null),
        sha256: own ? null : (record?.sha256 ?? null),
      } satisfies Tool
    }),
  )
}
