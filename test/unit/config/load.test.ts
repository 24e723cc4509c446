import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { layerRoot } from '../../../lib/config/layer-root.ts'
import { configuredProgram, hasOwnProviders, loadEnvironment, parseEnvironment } from '../../../lib/config/load.ts'
import { environmentNames } from '../../../lib/config/names.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { readIfExists, root } from '../../../lib/runtime/files.ts'

const lab = (await readIfExists(`${root}environments/lab.yaml`)) ?? ''
const messageOf = (text: string, name = 'lab'): string => {
  try {
    parseEnvironment(text, 'environments/lab.yaml', name)
  } catch (error) {
    assert.instance(error, OpsError)
    assert.is((error as OpsError).code, 3)
    return (error as OpsError).message
  }
  return 'no error'
}
/** `line:column` of the first such text. */
const placeOf = (text: string, needle: string) => {
  const before = text.slice(0, text.indexOf(needle)).split('\n')
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`
}

const load = suite('configuration')

for (const name of environmentNames())
  load(`environments/${name}.yaml is valid`, async () => assert.is((await loadEnvironment(name)).name, name))

load('only the lab has providers of its own, whatever a CLI configuration says', async () => {
  for (const name of environmentNames()) assert.is(hasOwnProviders(await loadEnvironment(name)), /^lab(-|$)/.test(name), name)
})

for (const [why, from, to, said] of [
  [
    'a local port is one service’s alone',
    'localPort: 23000',
    'localPort: 28080',
    'access.services.nextjs.localPort: 28080 is the local port of argocd, too',
  ],
  ['a local port that only root may have', 'localPort: 23000', 'localPort: 80', 'must be 1024 or above'],
  ['a port that there is not', 'localPort: 23000', 'localPort: 70000', 'must be a port'],
  [
    'a port by a name that can be none',
    'service: nextjs, port: http',
    'service: nextjs, port: "80"',
    'access.services.nextjs.port',
  ],
  ['an unknown key', 'path: /health', 'pth: /health', 'unknown key "pth" in access.services.ml-service (did you mean "path"?)'],
  ['a path without its slash', 'path: /health', 'path: health', 'must begin with a slash'],
] as const) {
  load(`access.services: ${why} is refused`, () => {
    const text = lab.replace(from, to)
    assert.is.not(text, lab)
    assert.match(messageOf(text), said)
  })
}

load('a key that is missing is said to be', () => {
  assert.match(messageOf(lab.replace(/^k0s:\n( {2}.*\n)+/m, '')), 'k0s is missing')
  assert.match(messageOf(lab.replace('  confirm: none\n', '')), 'guards.confirm is missing')
})

load('a service may be in the repository itself', () => {
  const { delivery } = parseEnvironment(lab.replace('folder: nextjs', 'folder: .'), 'environments/lab.yaml', 'lab')
  assert.is(delivery?.services.nextjs?.folder, '.')
})

load('a schedule needs no quotes', () => {
  const text = lab.replace('access:\n', 'schedule: { on: 09:00, off: 21:00, timeZone: Asia/Taipei }\naccess:\n')
  const { schedule } = parseEnvironment(text, 'environments/lab.yaml', 'lab')
  assert.equal(schedule, { on: '09:00', off: '21:00', timeZone: 'Asia/Taipei' })
})

load('a program is found by its path, or on PATH', () => {
  assert.is(configuredProgram('terraform'), 'terraform')
  assert.is(configuredProgram('.lab/bin/terraform'), `${root}.lab/bin/terraform`)
})

for (const [what, layers] of [
  ['with numbers', '[00-vpc, 01-k8s]'],
  ['with numbers of other lengths', '[1-vpc, 2-k8s, 10-app]'],
  ['with the same number', '[01-b, 01-a]'],
  ['of any other names', '[network, K8s_base, app.v2, _shared]'],
  ['of both kinds', '[bootstrap, 00-vpc, 01-k8s, cloudflare]'],
] as const) {
  load(`layers ${what} are taken in the order of the list`, () => {
    const text = lab.replace('[00-vpc, 01-k8s, 02-argocd-app]', layers).replace('after: [01-k8s]', 'after: []')
    const { terraform } = parseEnvironment(text, 'environments/lab.yaml', 'lab')
    assert.is(`[${terraform.layers.join(', ')}]`, layers)
  })
}

for (const [root, expected] of [
  [undefined, '/t/01-k8s/envs/lab'],
  ['envs/{env}', '/t/01-k8s/envs/lab'],
  ['{env}', '/t/01-k8s/lab'],
  ['live/{env}-{env}', '/t/01-k8s/live/lab-lab'],
  ['root', '/t/01-k8s/root'],
  ['.', '/t/01-k8s'],
] as const) {
  load(`the root of a layer: ${root}`, () => {
    const text = root ? lab.replace('  program: .lab', `  root: "${root}"\n  program: .lab`) : lab
    const { terraform } = parseEnvironment(text, 'environments/lab.yaml', 'lab')
    assert.is(layerRoot('01-k8s', { directory: '/t', root: terraform.root, env: 'lab' }), expected)
  })
}

load('it is frozen to the bottom', () => {
  const environment = parseEnvironment(lab, 'environments/lab.yaml', 'lab')
  assert.throws(() => {
    ;(environment.guards as { destroy: boolean }).destroy = false
  })
})

load('an unknown key is refused with its line and the nearest one', () => {
  const text = lab.replace('  deadline: 45m', '  dedline: 5m')
  assert.match(
    messageOf(text),
    `environments/lab.yaml:${placeOf(text, 'dedline')}: unknown key "dedline" in k0s (did you mean "deadline"?)`,
  )
})

for (const [name, fine] of [
  ['GOOGLE_APPLICATION_CREDENTIALS', true],
  ['TF_CLI_CONFIG_FILE', true],
  ['TF_VAR_zone', true],
  ['GIT_SSH_COMMAND', true],
  ['GITHUB_TOKEN', false],
  ['GH_TOKEN', false],
  ['PATH', false],
  ['GOOGLE_*', false],
  ['TF_VAR_a=b', false],
  ['', false],
] as const) {
  load(`inherits: ${name || 'nothing'} ${fine ? 'may' : 'can not'} be asked for`, () => {
    const said = messageOf(lab.replace('\nterraform:', `\ninherits: ["${name}"]\nterraform:`))
    if (fine) assert.is(said, 'no error')
    else assert.match(said, 'inherits.0')
  })
}

for (const [key, from, values] of [
  [
    'delivery.branch',
    'branch: master',
    ['-x', '--upload-pack=x', 'a..b', 'a:b', 'a b', '/a', 'a/', 'a.lock', '@', 'a@{1}', 'a\\tb', ''],
  ],
  ['delivery.repository', 'repository: unknowntpo/threads-nextjs', ['-x/y', '../x', 'x/..', 'x/-y', 'x', 'x/y/z']],
  [
    'delivery.services.nextjs.folder',
    'folder: nextjs',
    ['..', '../x', 'a/../../b', '/etc', '.git', 'a/.git/hooks', '.GIT', '-x', 'a/-x', './a', ''],
  ],
  [
    'delivery.services.nextjs.image',
    'image: us-east1-docker.pkg.dev/web-service-design/threads/nextjs',
    [
      'a/b;curl evil',
      'user@host/a',
      'host:x/a',
      'host/../a',
      'host//a',
      'host/a:tag',
      'host/a@sha256:1',
      '-x/a',
      'host/-a',
      'nextjs',
      'a/b c',
    ],
  ],
  ['terraform.program', 'program: .lab/bin/terraform', ['-x', '--help']],
] as const) {
  for (const value of values) {
    load(`${key} is not ${value || 'empty'}`, () => {
      const said = messageOf(lab.replace(from, `${from.split(':')[0]}: "${value}"`))
      assert.match(said, key)
    })
  }
}
for (const branch of ['main', 'feature/x-1', 'täglich', 'v1.2', 'a@b']) {
  load(`a branch may be ${branch}`, () =>
    assert.is(messageOf(lab.replace('branch: master', `branch: "${branch}"`)), 'no error'),
  )
}

load('all errors come at once', () => {
  const text = lab.replace('confirm: none', 'confirm: maybe').replace('version: v1', 'version: 1')
  const message = messageOf(text)
  assert.match(message, '2 errors')
  assert.match(message, `:${placeOf(text, 'maybe')}: guards.confirm`)
  assert.match(message, `:${placeOf(text, '1.')}: k0s.version`)
})

load('a snapshot after a layer that there is not: otherwise none would ever be taken', () => {
  assert.match(
    messageOf(lab.replace('after: [01-k8s]', 'after: [01-k8s, 01-k8]')),
    `environments/lab.yaml:${placeOf(lab.replace('after: [01-k8s]', 'after: [01-k8s, 01-k8]'), '01-k8]')}: snapshots.after: 01-k8 is not among terraform.layers`,
  )
})

for (const [why, from, to, message] of [
  ['a workload without its namespace', 'workload: threads/postgres', 'workload: postgres', 'must look like threads/postgres'],
  [
    'a database that libpq takes for more than a name',
    'database: threads',
    'database: host=elsewhere',
    'must be at most 63 letters',
  ],
  ['a role that looks like an option', 'role: threads', 'role: -U', 'must be at most 63 letters'],
  ['a bucket that can be none', 'backups:\n', 'backups:\n  bucket: gs://b\n', "must be a bucket's name"],
] as const)
  load(`backups: ${why}`, () => assert.match(messageOf(lab.replace(from, to)), message))

load('text that is no YAML', () => assert.match(messageOf('a: [1\nb'), 'environments/lab.yaml:'))
load('an empty file', () => assert.match(messageOf(''), 'errors'))
load('a file under another name', () => assert.match(messageOf(lab, 'labb'), 'name is "lab"'))
load('an environment that is not there', async () => {
  try {
    await loadEnvironment('labb')
    assert.unreachable()
  } catch (error) {
    assert.is((error as OpsError).code, 2)
    assert.match((error as OpsError).message, 'did you mean "lab"?')
  }
})
load.run()
