/** `systemctl`, `shutdown` and `poweroff` inside a machine: asks the service manager of init.ts. */
import { createConnection } from 'node:net'
import { parseArgs } from 'node:util'
import { type Answer, type Request, socketFor } from './control.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    property: { type: 'string', short: 'p', multiple: true },
    value: { type: 'boolean' },
    now: { type: 'boolean' },
    quiet: { type: 'boolean', short: 'q' },
  },
})

const [verb = 'status', ...units] = positionals
const request: Request = {
  verb,
  units: units.map(unit => (/\.\w+$/.test(unit) ? unit : `${unit}.service`)),
  now: values.now === true,
  properties: ((values.property ?? []) as string[]).flatMap(names => names.split(',')),
  valueOnly: values.value === true,
}

let text = ''
createConnection(socketFor(verb))
  .setEncoding('utf8')
  .on('error', error => {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES'
    process.stderr.write(denied ? `Failed to ${verb} ${request.units.join(' ')}: Access denied\n` : `${error.message}\n`)
    process.exitCode = denied ? 4 : 1
  })
  .on('data', chunk => {
    text += chunk
  })
  .on('end', () => {
    const { exitCode, stdout, stderr } = JSON.parse(text) as Answer
    if (!values.quiet) process.stdout.write(stdout)
    process.stderr.write(stderr)
    process.exitCode = exitCode
  })
  .end(JSON.stringify(request))
