import { inForeground } from '../../../lib/runtime/foreground.ts'
import { runScript } from '../../../lib/runtime/script.ts'

/** A script that runs `sh -c SCRIPT` in its own place: `in-foreground.ts [--json] SCRIPT`. */
await runScript(
  {
    name: 'in-foreground',
    summary: '',
    define: command => command.argument('<script>'),
    async run({ args: [script = ''], options: { json = false }, signal }) {
      return { passedOn: await inForeground('sh', ['-c', script], { signal, hint: '', toStderr: json }), document: {} }
    },
  },
  process.argv.slice(2),
)
