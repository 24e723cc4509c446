import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { fingerprint } from '../../../../lib/model/k0s/facts.ts'
import {
  type Kubeconfig,
  kubeconfigChanges,
  mergeKubeconfig,
  parseKubeconfig,
  rewriteKubeconfig,
} from '../../../../lib/model/k0s/kubeconfig.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** As `k0s kubeconfig admin` prints it, with something that must not get in. */
const admin: Kubeconfig = {
  clusters: [{ name: 'local', cluster: { server: 'https://10.142.0.2:6443', 'certificate-authority-data': base64('CA') } }],
  users: [
    {
      name: 'user',
      user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY'), exec: { command: 'evil' } },
    },
  ],
  contexts: [{ name: 'Default', context: { cluster: 'local', user: 'user' } }],
  'current-context': 'Default',
}
const access = { context: 'threads-lab', port: 16443 }
const pki = { ca: 'CA', admin: 'CERT' }
const ours = rewriteKubeconfig(admin, access)

const rewrites = suite('rewriteKubeconfig')
rewrites('one name for all, the tunnel for the server, a name that the certificate holds', () => {
  assert.equal(ours, {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'threads-lab',
        cluster: {
          server: 'https://127.0.0.1:16443',
          'tls-server-name': 'kubernetes',
          'certificate-authority-data': base64('CA'),
        },
      },
    ],
    users: [{ name: 'threads-lab', user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') } }],
    contexts: [{ name: 'threads-lab', context: { cluster: 'threads-lab', user: 'threads-lab' } }],
    'current-context': 'threads-lab',
  })
})
rewrites('refuses one without credentials', () => {
  assert.throws(() => rewriteKubeconfig({ ...admin, users: [] }, access), /lacks embedded certificates/)
})
rewrites.run()

const other = {
  clusters: [{ name: 'other', cluster: { server: 'https://other' } }],
  users: [{ name: 'other', user: { token: 't' } }],
  contexts: [{ name: 'other', context: { cluster: 'other', user: 'other', namespace: 'x' } }],
}

const merges = suite('mergeKubeconfig')
for (const [why, existing, current, contexts] of [
  ['into nothing', {}, 'threads-lab', ['threads-lab']],
  ['beside another, whose choice stays', { ...other, 'current-context': 'other' }, 'other', ['other', 'threads-lab']],
  ['beside another without a choice', other, 'threads-lab', ['other', 'threads-lab']],
  ['over a stale choice', { ...other, 'current-context': 'gone' }, 'threads-lab', ['other', 'threads-lab']],
  [
    'over itself: fresh credentials win',
    { ...rewriteKubeconfig(admin, { ...access, port: 1 }) },
    'threads-lab',
    ['threads-lab'],
  ],
] as [string, Kubeconfig, string, string[]][]) {
  merges(why, () => {
    const merged = parseKubeconfig(mergeKubeconfig(existing, ours))
    assert.is(merged['current-context'], current)
    assert.equal(
      merged.contexts?.map(({ name }) => name),
      contexts,
    )
    assert.equal(kubeconfigChanges(merged, access, pki), [])
  })
}
merges('what it does not know stays', () => {
  const merged = parseKubeconfig(mergeKubeconfig({ ...other, extensions: [{ name: 'x' }] }, ours))
  assert.equal(merged.extensions, [{ name: 'x' }])
  assert.equal(merged.users?.[0], other.users[0])
})
const fixture = (name: string) => readFileSync(new URL(`${name}.kubeconfig.yaml`, import.meta.url), 'utf8')
/** As kubectl reads it. */
const as11 = (text: string) => parse(text, { version: '1.1' })

merges('into what kubectl leaves of an emptied file', () => {
  const text = fixture('null-lists')
  const merged = parseKubeconfig(mergeKubeconfig(parseKubeconfig(text), ours))
  assert.equal(merged, { ...ours, preferences: {} })
  assert.equal(kubeconfigChanges(parseKubeconfig(text), access, pki), ['add context threads-lab'])
})
merges('the strings of a cluster called "no" stay strings for kubectl', () => {
  const text = fixture('yaml-1.1')
  const merged = as11(mergeKubeconfig(parseKubeconfig(text), ours))
  const before = as11(text)
  assert.equal(merged.clusters[0], before.clusters[0])
  assert.equal(merged.contexts[0], before.contexts[0])
  assert.equal(merged.users[0], before.users[0])
  assert.is(merged['current-context'], 'no')
})
merges('a truth that YAML 1.1 spells yes stays one, and a date a text', () => {
  const cluster =
    'clusters: [{name: a, cluster: {insecure-skip-tls-verify: yes}}]\nusers: [{name: a, user: {token: 2024-11-05}}]'
  const merged = as11(mergeKubeconfig(parseKubeconfig(cluster), ours))
  assert.is(merged.clusters[0].cluster['insecure-skip-tls-verify'], true)
  assert.is(merged.users[0].user.token, '2024-11-05')
})
const TEXTS = [
  'y',
  'N',
  'yes',
  'Off',
  'TRUE',
  'null',
  '~',
  '',
  '017',
  '0o17',
  '0b1',
  '0x1f',
  '1_000',
  '1:30',
  '1e3',
  '.inf',
  '.NaN',
  '<<',
  '=',
  '2024-11-05',
  '2024-11-05T10:00:00Z',
  '+1',
  '-',
  '- a',
  '#',
  'a: b',
  '\u0085',
  'a\nb',
]
for (const text of TEXTS) {
  merges(`${JSON.stringify(text)} as a name and a value`, () => {
    const existing = { clusters: [{ name: text, cluster: { [text]: text } }] } as Kubeconfig
    assert.equal(as11(mergeKubeconfig(existing, ours)).clusters[0], { name: text, cluster: { [text]: text } })
  })
}
merges.run()

const changed = (part: 'cluster' | 'user', member: string, value: string): Kubeconfig => {
  const copy = structuredClone(ours)
  const target = part === 'cluster' ? copy.clusters?.[0]?.cluster : copy.users?.[0]?.user
  if (target) target[member] = value
  return copy
}

const changes = suite('kubeconfigChanges')
for (const [why, existing, expected] of [
  ['none', ours, []],
  ['an empty file', {}, ['add context threads-lab']],
  [
    'another port',
    changed('cluster', 'server', 'https://127.0.0.1:1'),
    ['cluster threads-lab: server https://127.0.0.1:16443'],
  ],
  [
    'no name for the certificate',
    changed('cluster', 'tls-server-name', ''),
    ['cluster threads-lab: tls-server-name kubernetes'],
  ],
  [
    'another cluster under the same name',
    changed('cluster', 'certificate-authority-data', base64('OLD')),
    ['cluster threads-lab: another certificate authority'],
  ],
  [
    'stale credentials',
    changed('user', 'client-certificate-data', base64('OLD')),
    ['user threads-lab: another client certificate'],
  ],
  [
    'no check of the server',
    changed('cluster', 'insecure-skip-tls-verify', 'true'),
    ['cluster threads-lab: no insecure-skip-tls-verify'],
  ],
  ['a way round', changed('cluster', 'proxy-url', 'http://evil:1'), ['cluster threads-lab: no proxy-url']],
  [
    'another authority beside ours',
    changed('cluster', 'certificate-authority', '/x'),
    ['cluster threads-lab: no certificate-authority'],
  ],
  ['a token', changed('user', 'token', 't'), ['user threads-lab: no token']],
  ['a program', changed('user', 'exec', 'evil'), ['user threads-lab: no exec']],
  ['a user in its place', changed('user', 'as', 'other'), ['user threads-lab: no as']],
  ['the key of a file', changed('user', 'client-key', '/x'), ['user threads-lab: no client-key']],
  [
    'a server by another name',
    changed('cluster', 'server', 'https://localhost:16443'),
    ['cluster threads-lab: server https://127.0.0.1:16443'],
  ],
  [
    'a server that begins like ours',
    changed('cluster', 'server', 'https://127.0.0.1:16443@evil'),
    ['cluster threads-lab: server https://127.0.0.1:16443'],
  ],
  [
    'a context with more',
    { ...ours, contexts: [{ name: 'threads-lab', context: { cluster: 'threads-lab', user: 'threads-lab', namespace: 'x' } }] },
    ['context threads-lab: no namespace'],
  ],
  [
    'an entry with more',
    { ...ours, clusters: ours.clusters?.map(entry => ({ ...entry, user: {} })) },
    ['cluster threads-lab: an entry with more than its cluster'],
  ],
  [
    'two entries of one name',
    { ...ours, clusters: [...(ours.clusters ?? []), { name: 'threads-lab', cluster: { server: 'https://evil' } }] },
    ['cluster threads-lab: one instead of 2'],
  ],
] as [string, Kubeconfig, string[]][]) {
  changes(why, () => assert.equal(kubeconfigChanges(existing, access, pki), expected))
  changes(`${why}: mended`, () => {
    const merged = parseKubeconfig(mergeKubeconfig(existing, ours))
    assert.equal(kubeconfigChanges(merged, access, pki), [])
    assert.equal([merged.clusters, merged.users, merged.contexts], [ours.clusters, ours.users, ours.contexts])
  })
}
changes('a key that is not that of the certificate', () => {
  const [one = '', two = ''] = [1, 2].map(() =>
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=x', '-keyout', '-'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  const part = (text: string, what: string) =>
    new RegExp(`-----BEGIN ${what}-----[^]*-----END ${what}-----`).exec(text)?.[0] ?? ''
  const certificate = part(one, 'CERTIFICATE')
  const withKey = (key: string) => {
    const copy = changed('user', 'client-certificate-data', base64(certificate))
    const [entry] = copy.users ?? []
    if (entry) entry.user['client-key-data'] = base64(key)
    return kubeconfigChanges(copy, access, { ...pki, admin: fingerprint(certificate) })
  }
  assert.equal(withKey(part(one, 'PRIVATE KEY')), [])
  assert.equal(withKey(part(two, 'PRIVATE KEY')), ['user threads-lab: the key of its certificate'])
})
changes.run()

const parses = suite('parseKubeconfig')
parses('an empty file', () => assert.equal(parseKubeconfig(''), {}))
parses('something else', () => assert.throws(() => parseKubeconfig('- a'), /not a kubeconfig/))
for (const [why, text] of [
  ['a text for a list', 'clusters: none'],
  ['a map for a list', 'users: {}'],
  ['an entry without a name', 'contexts: [{context: {}}]'],
  ['an entry that is null', 'contexts: [null]'],
  ['an entry whose content is a text', 'clusters: [{name: a, cluster: b}]'],
  ['a name that is a number', 'clusters: [{name: 1, cluster: {}}]'],
] as const) {
  parses(why, () => assert.throws(() => parseKubeconfig(text), /not a kubeconfig: /))
}
parses('an undefined alias', () => assert.throws(() => parseKubeconfig('clusters: *nowhere'), /nowhere/))
parses('an entry without content', () =>
  assert.equal(parseKubeconfig('clusters: [{name: a, cluster: null}, {name: b}]').clusters, [
    { name: 'a', cluster: {} },
    { name: 'b', cluster: {} },
  ]),
)
parses.run()
