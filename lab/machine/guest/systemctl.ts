/** `systemctl`, `shutdown` and `poweroff` inside a machine: asks the service manager of init.ts. */
import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { parseArgs } from 'node:util'
import { type Answer, type Request, socketFor } from './control.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    property: { type: 'string', short: 'p', multiple: true },
    'only-value': { type: 'string', short: 'P', multiple: true },
    // Without a definition their values would be taken for units.
    lines: { type: 'string', short: 'n' },
    output: { type: 'string', short: 'o' },
    version: { type: 'boolean' },
    value: { type: 'boolean' },
    now: { type: 'boolean' },
    quiet: { type: 'boolean', short: 'q' },
  },
})

const [verb = 'status', ...units] = positionals
const onlyValues = (values['only-value'] ?? []) as string[]
const request: Request = {
  verb,
  units: units.map(unit => (/\.\w+$/.test(unit) ? unit : `${unit}.service`)),
  now: values.now === true,
  properties: [...((values.property ?? []) as string[]), ...onlyValues].flatMap(names => names.split(',')),
  valueOnly: values.value === true || onlyValues.length > 0,
}

if (values.version) process.stdout.write('systemd 252 (the lab)\n')
else ask()

function ask(): void {
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
      const { exitCode, stdout, stderr, files = [] } = JSON.parse(text) as Answer
      if (!values.quiet) process.stdout.write(stdout)
      process.stderr.write(stderr)
      process.exitCode = exitCode
      print(files)
    })
    .end(JSON.stringify(request))
}

function print(files: readonly string[]): void {
  for (const [index, path] of files.entries()) {
    try {
      process.stdout.write(`${index > 0 ? '\n' : ''}# ${path}\n${readFileSync(path, 'utf8')}`)
    } catch (error) {
      process.stderr.write(`Failed to open ${path}: ${(error as Error).message}\n`)
      process.exitCode = 1
    }
  }
}
