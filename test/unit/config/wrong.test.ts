import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseEnvironment } from '../../../lib/config/load.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { readIfExists, root } from '../../../lib/runtime/files.ts'

const lab = (await readIfExists(`${root}environments/lab.yaml`)) ?? ''
const BOMB = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g']
  .map(
    (name, at, all) =>
      `${name}: &${name} [${Array(10)
        .fill(`*${all[at - 1] ?? 'a'}`)
        .join(',')}]`,
  )
  .join('\n')}\n`

const wrong = suite('a wrong environment')
for (const [why, from, to, message] of [
  ['an undefined alias', 'after: [01-k8s]', 'after: *none', /lab\.yaml:\d+:\d+: .*none/],
  ['aliases without end', 'schema:', `${BOMB}schema:`, /alias/i],
  ['a layer that there is not', 'after: [01-k8s]', 'after: [01-k8]', /lab\.yaml:\d+:\d+: .*01-k8.*did you mean "01-k8s"/],
  ['a policy that keeps nothing', 'after: [01-k8s]', 'after: []\n  keep: { last: 0 }', /snapshots\.keep: keeps nothing/],
  ['a policy with a zone alone', 'after: [01-k8s]', 'after: []\n  keep: { timeZone: UTC }', /snapshots\.keep: keeps nothing/],
  ['a misspelt rule', 'after: [01-k8s]', 'after: []\n  keep: { dayly: 1 }', /did you mean "daily"/],
  ['fewer than all', 'after: [01-k8s]', 'after: []\n  keep: { last: -2 }', /snapshots\.keep\.last: .*-1 for all/],
  ['half a snapshot', 'after: [01-k8s]', 'after: []\n  keep: { last: 1.5 }', /snapshots\.keep\.last/],
  ['a time of no unit', 'after: [01-k8s]', 'after: []\n  keep: { within: "5" }', /keep\.within: "5" is not a time/],
  ['weeks', 'after: [01-k8s]', 'after: []\n  keep: { within-daily: 2w }', /keep\.within-daily: "2w" is not a time/],
  ['a unit twice', 'after: [01-k8s]', 'after: []\n  keep: { within: 1d1d }', /"1d1d" is not a time/],
  ['no time at all', 'after: [01-k8s]', 'after: []\n  keep: { within: 0d }', /"0d" is not a time/],
  ['a zone of no name', 'after: [01-k8s]', 'after: []\n  keep: { last: 1, timeZone: "+08:00" }', /timeZone.*not a time zone/],
  ['a layer twice', 'layers: [00-vpc,', 'layers: [00-vpc, 00-vpc,', /00-vpc.*twice/],
  ['numbers out of order', 'layers: [00-vpc, 01-k8s,', 'layers: [01-k8s, 00-vpc,', /00-vpc is listed after 01-k8s/],
  ['a number as a text', 'layers: [00-vpc, 01-k8s,', 'layers: [10-vpc, 9-k8s,', /9-k8s is listed after 10-vpc/],
  [
    'numbers out of order around a name',
    'layers: [00-vpc, 01-k8s,',
    'layers: [01-vpc, k8s, 00-x,',
    /00-x is listed after 01-vpc/,
  ],
  ['a layer that leads out', 'layers: [00-vpc,', 'layers: [.., 00-vpc,', /layers/],
  ['a layer in another', 'layers: [00-vpc,', 'layers: [live/vpc, 00-vpc,', /layers.*name of a folder/],
  ['a layer like a flag', 'layers: [00-vpc,', 'layers: [-vpc, 00-vpc,', /layers/],
  ['an empty layer', 'layers: [00-vpc,', 'layers: ["", 00-vpc,', /layers/],
  ['a layer without end', 'layers: [00-vpc,', `layers: [${'a'.repeat(101)}, 00-vpc,`, /layers.*100 characters/],
  ['a root that leads out', 'program: .lab', 'root: ../envs\n  program: .lab', /root.*below that of the layer/],
  ['a root that leads out later', 'program: .lab', 'root: "envs/{env}/../.."\n  program: .lab', /root/],
  ['an absolute root', 'program: .lab', 'root: /envs\n  program: .lab', /root/],
  ['a root of something else', 'program: .lab', 'root: "envs/{name}"\n  program: .lab', /root/],
  ['an empty root', 'program: .lab', 'root: ""\n  program: .lab', /root/],
  ['a value from nowhere', 'program: .lab', 'variables: { token: {} }\n  program: .lab', /token.*either env or file/],
  ['a value from two places', 'program: .lab', 'variables: { token: { env: A, file: b } }\n  program: .lab', /token.*either/],
  ['a value itself', 'program: .lab', 'variables: { token: secret }\n  program: .lab', /token/],
  ['a variable that can’t be one', 'program: .lab', 'variables: { "a b": { env: A } }\n  program: .lab', /variable's name/],
  [
    'a value from no variable',
    'program: .lab',
    'variables: { token: { env: "A=b" } }\n  program: .lab',
    /variable of the shell/,
  ],
  ['a misspelt source', 'program: .lab', 'variables: { token: { fil: b } }\n  program: .lab', /did you mean "file"/],
  ['a user of two words', 'user: ops', 'user: a b', /access\.ssh\.user: must be a user's name/],
  ['a user like an option', 'user: ops', 'user: -oProxyCommand=x', /access\.ssh\.user: must be a user's name/],
  ['a user with a host', 'user: ops', 'user: ops@vm', /access\.ssh\.user: must be a user's name/],
  ['an empty key file', 'identityFile: .lab/ssh/id_ed25519', 'identityFile: ""', /access\.ssh\.identityFile/],
  ['a misspelt key of ssh', 'identityFile: .lab', 'identityfile: .lab', /did you mean "identityFile"/],
  ['a VM of no name', 'access:\n', 'access:\n  vm: { name: "a/b" }\n', /access\.vm\.name: must be a VM's name/],
  ['a zone that is none', 'access:\n', 'access:\n  vm: { zone: us-east1 }\n', /access\.vm\.zone: must be a zone/],
  ['a project that is none', 'access:\n', 'access:\n  vm: { project: "A b" }\n', /access\.vm\.project: must be a project/],
  ['a misspelt key of the VM', 'access:\n', 'access:\n  vm: { nam: a }\n', /did you mean "name"/],
  [
    'a schedule without a time zone',
    'access:\n',
    'schedule: { on: 09:00, off: 21:00 }\naccess:\n',
    /lab\.yaml:\d+:\d+: schedule.*timeZone/,
  ],
  [
    'a schedule that is never off',
    'access:\n',
    'schedule: { on: 09:00, off: 09:00, timeZone: UTC }\naccess:\n',
    /schedule\.off: is the same time as on/,
  ],
  [
    'an hour alone',
    'access:\n',
    'schedule: { on: 9, off: 21:00, timeZone: UTC }\naccess:\n',
    /schedule\.on: must be a time of day, such as "09:00"/,
  ],
  [
    'an hour of one digit',
    'access:\n',
    'schedule: { on: 9:00, off: 21:00, timeZone: UTC }\naccess:\n',
    /schedule\.on: "9:00" is not a time of day/,
  ],
  [
    '24 o’clock',
    'access:\n',
    'schedule: { on: 09:00, off: 24:00, timeZone: UTC }\naccess:\n',
    /schedule\.off: "24:00" is not a time of day/,
  ],
  [
    'a time with seconds',
    'access:\n',
    'schedule: { on: 09:00:00, off: 21:00, timeZone: UTC }\naccess:\n',
    /schedule\.on: "09:00:00" is not/,
  ],
  [
    'a time zone that is none',
    'access:\n',
    'schedule: { on: 09:00, off: 21:00, timeZone: Asia/Taipeh }\naccess:\n',
    /timeZone: "Asia\/Taipeh" is not a time zone's name.*did you mean "Asia\/Taipei"/,
  ],
  [
    'a time zone as an offset',
    'access:\n',
    'schedule: { on: 09:00, off: 21:00, timeZone: "+08:00" }\naccess:\n',
    /timeZone: "\+08:00" is not a time zone's name/,
  ],
  ['an empty time zone', 'access:\n', 'schedule: { on: 09:00, off: 21:00, timeZone: "" }\naccess:\n', /timeZone: "" is not/],
  [
    'a misspelt key of the schedule',
    'access:\n',
    'schedule: { on: 09:00, off: 21:00, timezone: UTC }\naccess:\n',
    /unknown key "timezone" in schedule \(did you mean "timeZone"/,
  ],
  ['a port that is none', 'access:\n', 'access:\n  kubernetes: { port: 65536 }\n', /access\.kubernetes\.port/],
  ['a port as a text', 'access:\n', 'access:\n  kubernetes: { port: "1" }\n', /access\.kubernetes\.port/],
  ['an empty kubeconfig', 'access:\n', 'access:\n  kubernetes: { kubeconfig: "" }\n', /access\.kubernetes\.kubeconfig/],
  ['a context with a space', 'access:\n', 'access:\n  kubernetes: { context: "a b" }\n', /access\.kubernetes\.context/],
  ['a snapshot twice', 'after: [01-k8s]', 'after: [01-k8s, 01-k8s]', /01-k8s.*twice/],
  ['a deadline of nothing', 'deadline: 10m', 'deadline: 0s', /deadline.*1s/],
  ['a deadline of centuries', 'deadline: 10m', 'deadline: 99999d', /deadline.*1d/],
  ['a deadline beyond every number', 'deadline: 10m', `deadline: ${'9'.repeat(400)}d`, /deadline/],
  ['a negative deadline', 'deadline: 10m', 'deadline: -5m', /deadline/],
  ['a wrong unit', 'deadline: 10m', 'deadline: 10w', /deadline/],
  ['a bare number', 'deadline: 10m', 'deadline: 10', /deadline/],
  ['a folder that leads out', 'folder: nextjs', 'folder: ../../etc', /folder/],
  ['a folder that leads out later', 'folder: nextjs', 'folder: a/../../etc', /folder/],
  ['a folder that is the one above', 'folder: nextjs', 'folder: ..', /folder/],
  ['a backend configuration that leads out', 'backend-config.lab.hcl', '../x.hcl', /backendConfig/],
  ['an empty namespace', 'namespace: threads', 'namespace: ""', /namespace/],
  ['an empty folder of the layers', 'directory: .lab/terraform', 'directory: ""', /directory/],
  ['pods as a text', 'argocd: { pods: 8 }', 'argocd: { pods: "8" }', /pods/],
  ['pods as no number', 'argocd: { pods: 8 }', 'argocd: { pods: .nan }', /pods/],
  ['a very long name', 'name: lab\n', `name: ${'l'.repeat(300)}\n`, /name/],
  ['a name in another script', 'name: lab\n', 'name: läb\n', /name/],
  ['a namespace that can’t be one', 'threads: { pods: 3 }', '"a b": { pods: 3 }', /a b/],
  ['a misspelt key in a service', 'versionFile: package.json', 'versionFiel: package.json', /did you mean "versionFile"/],
  ['a misspelt key of a deadline', 'deadlines: { ci:', 'deadlines: { cii:', /did you mean "ci"/],
  ['a misspelt key of a namespace', 'argocd: { pods: 8 }', 'argocd: { pod: 8 }', /did you mean "pods"/],
  ['a misspelt key of the binary', '    file: lab', '    fil: lab', /did you mean "file"/],
] as const) {
  wrong(why, () => {
    assert.ok(lab.includes(from), from)
    try {
      parseEnvironment(
        lab.replace(from, () => to),
        'environments/lab.yaml',
        'lab',
      )
    } catch (error) {
      assert.instance(error, OpsError, String(error))
      assert.is((error as OpsError).code, 3)
      assert.match((error as OpsError).message, message)
      assert.match((error as OpsError).message, /lab\.yaml:\d+:\d+: /)
      return
    }
    assert.unreachable('it was accepted')
  })
}
for (const [why, from, to, where] of [
  ['a syntax error', 'confirm: none', 'confirm: [none', 'confirm: [none'],
  ['a tab for indentation', '  confirm: none', '\tconfirm: none', '\tconfirm'],
  ['a key twice', 'confirm: none', 'confirm: none\n  confirm: none', 'confirm: none\n  confirm'],
  ['an undefined alias', 'confirm: none', 'confirm: *nobody', '*nobody'],
  ['a wrong value', 'confirm: none', 'confirm: maybe', 'maybe'],
  ['a wrong value in braces', 'argocd: { pods: 8 }', 'argocd: { pods: many }', 'many'],
  ['a wrong value on a line of its own', 'confirm: none', 'confirm:\n      maybe', 'maybe'],
  ['a wrong item of a list', 'after: [01-k8s]', 'after: [01-k8s, 7]', '7]'],
  ['an unknown layer in a list', 'after: [01-k8s]', 'after: [01-k8s, 09-none]', '09-none'],
  ['numbers out of order, at the later', '[00-vpc, 01-k8s,', '[00-vpc, 02-x, 01-k8s,', '01-k8s, 02-argocd-app]'],
  ['an unknown key', 'confirm: none', 'confirm: none\n  confrim: none', 'confrim'],
  ['a missing key, at that which should have it', 'argocd: { pods: 8 }', 'argocd: {}', 'argocd: {}'],
  ['another name', 'name: lab\n', 'name: lob\n', 'lob'],
] as const) {
  wrong(`${why}: its file, line and column`, () => {
    const text = lab.replace(from, () => to)
    const before = text.slice(0, text.indexOf(where)).split('\n')
    assert.throws(
      () => parseEnvironment(text, 'e.yaml', 'lab'),
      (error: Error) => {
        const [, line, column] = /e\.yaml:(\d+):(\d+): /.exec(error.message) ?? []
        if (/^a (syntax|tab|key)/.test(why)) return Math.abs(Number(line) - before.length) <= 1 && Number(column) > 0
        assert.equal([Number(line), Number(column)], [before.length, (before.at(-1) ?? '').length + 1], error.message)
        return true
      },
    )
  })
}
wrong('a layer that there is not is named beside another error', () => {
  const text = lab.replace('after: [01-k8s]', 'after: [01-k8]').replace('confirm: none', 'confirm: maybe')
  assert.throws(() => parseEnvironment(text, 'e.yaml', 'lab'), /2 errors[\s\S]*01-k8/)
})
wrong.run()
