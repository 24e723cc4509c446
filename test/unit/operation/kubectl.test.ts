import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { foreignArguments } from '../../../lib/command-line/options.ts'
import { loadEnvironment } from '../../../lib/config/load.ts'
import type { Context } from '../../../lib/operation/context.ts'
import { contextOption } from '../../../lib/operation/kubectl.ts'
import { serviceLogs } from '../../../lib/operation/service-logs.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { parsedArguments } from '../../../lib/runtime/script.ts'
import { deployment, LABELS, service } from '../support/kubernetes.ts'

const parsing = suite('another program’s arguments')
const parse = (argv: string[]) =>
  parsedArguments<{ json?: boolean; debug?: boolean }>(
    {
      name: 'kubectl',
      summary: '',
      define: command => foreignArguments(command.option('--env <name>'), ''),
      run: async () => ({ document: {} }),
    },
    argv,
  )
for (const [argv, args] of [
  ['get pods -A', 'get pods -A'],
  ['--env lab get pods --json', 'get pods --json'],
  ['--env lab -n threads get pods --output=json', '-n threads get pods --output=json'],
  ['--env lab exec -it deploy/nextjs -- sh -c ls', 'exec -it deploy/nextjs -- sh -c ls'],
  ['get --help', 'get --help'],
  ['-- --help', '--help'],
  ['--follow nextjs', '--follow nextjs'],
  ['', ''],
] as const) {
  parsing(argv || 'none', () => assert.equal(parse(argv.split(' ').filter(Boolean)).args, args.split(' ').filter(Boolean)))
}
parsing('ours are those before it', () => assert.is(parse(['--json', 'get', 'pods']).options.json, true))
parsing.run()

const contexts = suite('the context')
const kubeconfig = (current: string) => `apiVersion: v1\nkind: Config\ncurrent-context: ${current}\n`
contexts('is named where the file names another', () => {
  assert.equal(contextOption(kubeconfig('threads-lab'), 'threads-lab'), [])
  assert.equal(contextOption(kubeconfig('other'), 'threads-lab'), ['--context=threads-lab'])
})
contexts.run()

const logs = suite('serviceLogs')
const lab = await loadEnvironment('lab')
const { argocd: _argocd, nextjs: _nextjs, ...others } = lab.access.services
const world = (services: typeof lab.access.services = lab.access.services) =>
  ({
    environment: { ...lab, access: { ...lab.access, services } },
    signal: new AbortController().signal,
    cluster: async () => ({
      get: async ({ plural }: { plural: string }, { name }: { name: string }) => {
        if (plural === 'services') return name === 'nextjs' ? service({ spec: { selector: LABELS } }) : undefined
        return name === 'nextjs' ? deployment() : undefined
      },
    }),
  }) as unknown as Context
for (const [why, args, services] of [
  ['of a service that tunnel opens, by its Service', ['nextjs', '--follow'], lab.access.services],
  ['options may come first', ['--follow', 'nextjs'], lab.access.services],
  ['of one of the application’s own, by its Deployment', ['nextjs', '--follow'], others],
] as const) {
  logs(why, async () => {
    const found = await serviceLogs(args, world(services))
    assert.equal(found.slice(0, 3), ['logs', '--namespace=threads', '--selector=app.kubernetes.io/name=nextjs'])
    assert.is(found.at(-1), '--follow')
  })
}
for (const [args, code, said] of [
  [['nextj'], 2, 'did you mean "nextjs"?'],
  [['--follow'], 2, 'logs of which service?'],
  [['postgres'], 4, 'there is no Service threads/postgres'],
] as const) {
  logs(`${args.join(' ')}: ${code}`, async () => {
    const error = (await serviceLogs(args, world()).catch(error => error)) as OpsError
    assert.is(error.code, code)
    assert.match(error.message, said)
  })
}
logs.run()
