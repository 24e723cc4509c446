import { parseArgs } from 'node:util'
import { asOpsError, usage } from '../../lib/runtime/errors.ts'
import { ensureTools } from './build.ts'
import { programs } from './catalog.ts'
import { describe } from './progress.ts'

/**
 * `main.ts [--lab DIRECTORY] [PROGRAM…]`: builds those of the programs, or of all, that are missing; reports progress on
 * stderr.
 */
const { positionals } = parseArgs({ options: { lab: { type: 'string' } }, allowPositionals: true })
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
process.once('SIGTERM', () => stop.abort())

const say = describe(text => process.stderr.write(`${text}\n`))
try {
  const unknown = positionals.find(name => !programs.some(program => program.name === name))
  if (unknown)
    throw usage(`there is no program ${unknown} in the catalogue`, `one of: ${programs.map(({ name }) => name).join(', ')}`)
  const wanted = positionals.length > 0 ? programs.filter(({ name }) => positionals.includes(name)) : programs
  await ensureTools({ programs: wanted, report: say, signal: stop.signal })
} catch (thrown) {
  const { code, message, hint } = asOpsError(thrown)
  process.stderr.write(`${message}\n  -> ${hint}\n`)
  process.exitCode = code
}
