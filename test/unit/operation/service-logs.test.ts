import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { serviceLogs } from '../../../lib/operation/service-logs.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'

type LogsContext = Parameters<typeof serviceLogs>[1]

const logsOf = (args: string[], there: object | undefined) =>
  serviceLogs(args, {
    environment: {
      name: 'lab',
      access: { services: { argocd: { namespace: 'argo', service: 'argocd-server' } } },
      delivery: { namespace: 'threads', services: { nextjs: {} } },
    },
    cluster: async () => ({ get: async () => there }),
    signal: new AbortController().signal,
  } as unknown as LogsContext).then(
    given => given.join(' '),
    ({ code, message, hint }: OpsError) => `${code} ${message}: ${hint}`,
  )

const SERVICE = { spec: { selector: { app: 'a' } } }
const DEPLOYMENT = { spec: { selector: { matchLabels: { app: 'a' } } } }
const logs = suite('logs')
for (const [why, args, there, expected] of [
  ['a service', ['argocd'], SERVICE, /--namespace=argo .*app=a/],
  ['a Deployment', ['--follow', 'nextjs'], DEPLOYMENT, /--namespace=threads .*app=a.*--follow/],
  ['none', [], SERVICE, /^2 logs of which service\?: one of: argocd, nextjs/],
  ['one that is misspelt', ['argocb'], SERVICE, /^2 lab has no service "argocb".*argocd/],
  [
    "an option's value in the service's place",
    ['--tail', '2', 'nextjs'],
    DEPLOYMENT,
    /^2 .*"2".*before.*: `\.\/taskw logs -- nextjs --tail 2`/,
  ],
  ['the same, by a short option', ['-n', 'x', 'argocd'], SERVICE, /^2 .*"x".*-- argocd -n x`/],
  ['a Service that is not there', ['argocd'], undefined, /^4 there is no Service argo\/argocd-server/],
  ['a Deployment that is not there', ['nextjs'], undefined, /^4 there is no Deployment threads\/nextjs/],
  ['a Service without a selector', ['argocd'], {}, /^4 Service argo\/argocd-server selects no pods/],
] as [string, string[], object | undefined, RegExp][])
  logs(`${why}: ${args.join(' ')}`, async () => assert.match(await logsOf(args, there), expected))
logs.run()
