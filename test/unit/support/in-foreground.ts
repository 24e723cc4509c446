/** Runs `sh -c SCRIPT` in its own place: `in-foreground.ts SCRIPT [to-stderr]`. */
import { inForeground } from '../../../lib/runtime/foreground.ts'

const [script = '', toStderr] = process.argv.slice(2)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.exitCode = await inForeground('sh', ['-c', script], {
  ...{ signal: stop.signal, hint: '', toStderr: toStderr !== undefined },
})
