import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { environmentSchema } from '../../lib/config/schema.ts'
import { root } from '../../lib/runtime/files.ts'
import { isRead, leafKeys, readsOf } from './support/configuration-keys.ts'
import { circleThrough, importsOf, loadedBy, reachedFrom } from './support/imports.ts'

/** Which folders the files of a folder may import; the first that matches counts. `type` allows types only. */
const rules: { from: string; may: string[]; types?: string[] }[] = [
  { from: 'scripts/lab/', may: ['lab/', 'lib/runtime/', 'lib/operation/lab-tunnels.ts', 'lib/command-line/values.ts'] },
  { from: 'scripts/', may: ['lib/'] },
  { from: 'lib/command-line/', may: ['lib/command-line/', 'lib/operation/', 'lib/config/', 'lib/runtime/'] },
  { from: 'lib/phases/', may: ['lib/'] },
  {
    from: 'lib/operation/',
    may: [
      'lib/operation/',
      'lib/command-line/',
      'lib/google/',
      'lib/host/',
      'lib/terraform/',
      'lib/cluster/',
      'lib/delivery/',
      'lib/model/',
      'lib/config/',
      'lib/runtime/',
    ],
  },
  { from: 'lib/report/', may: ['lib/report/', 'lib/model/', 'lib/runtime/'] },
  { from: 'lib/google/', may: ['lib/google/', 'lib/model/', 'lib/config/', 'lib/runtime/'] },
  { from: 'lib/delivery/', may: ['lib/delivery/', 'lib/model/', 'lib/config/', 'lib/runtime/'] },
  { from: 'lib/host/', may: ['lib/host/', 'lib/model/', 'lib/config/', 'lib/runtime/'] },
  { from: 'lib/terraform/', may: ['lib/terraform/', 'lib/model/', 'lib/config/', 'lib/runtime/'] },
  { from: 'lib/cluster/', may: ['lib/cluster/', 'lib/model/', 'lib/config/', 'lib/runtime/'] },
  { from: 'lib/model/', may: ['lib/model/'], types: ['lib/config/', 'lib/runtime/'] },
  { from: 'lib/config/', may: ['lib/config/', 'lib/runtime/'] },
  { from: 'lib/runtime/', may: ['lib/runtime/'] },
  { from: 'lab/', may: ['lab/', 'lib/runtime/'] },
]

const sources = ['scripts', 'lib', 'lab'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name)),
)
const texts = new Map(sources.map(file => [file, readFileSync(join(root, file), 'utf8')]))
const allImports = new Map([...texts].map(([file, text]) => [file, importsOf(file, text)]))

const imports = suite('imports go one way')
for (const [file, imported] of allImports) {
  imports(file, () => {
    const rule = rules.find(({ from }) => file.startsWith(from))
    assert.ok(rule, 'every folder has a rule')
    for (const { target, isType } of imported) {
      const allowed = [...rule.may, ...(isType ? (rule.types ?? []) : [])]
      assert.ok(
        allowed.some(folder => target.startsWith(folder)),
        `${file} imports ${target}; it may import ${allowed.join(', ')}`,
      )
    }
  })
}
imports.run()

const circles = suite('imports make no circle')
const targets = new Map([...allImports].map(([file, imported]) => [file, imported.map(({ target }) => target)]))
for (const file of sources) {
  circles(file, () => {
    const circle = circleThrough(file, targets)
    assert.not(circle, circle?.join(' → '))
  })
}
circles.run()

/** What `--help` and a refused option need; anything else is imported when the script runs. `bench/startup.ts` measures it. */
const STARTING = { packages: ['commander', 'chalk'], modules: 16 }

const starting = suite('starting a script loads what its command line needs, and no more')
const loads = new Map([...texts].map(([file, text]) => [file, loadedBy(file, text)]))
for (const file of sources.filter(name => name.startsWith('scripts/'))) {
  starting(file, () => {
    const ways = reachedFrom(file, loads)
    for (const [to, way] of ways) assert.ok(texts.has(to) || STARTING.packages.includes(to), way.join(' → '))
    const modules = [...ways.keys()].filter(to => texts.has(to))
    assert.ok(modules.length <= STARTING.modules, `${modules.length} modules: ${modules.join(', ')}`)
  })
}
starting.run()

/** Of these, imported by a process that starts often, each costs milliseconds. */
const light = suite("what the tunnel's process imports")
light('its own few files, and no package but that of WebSockets', () =>
  assert.equal([...reachedFrom('lib/google/tunnel-process.ts', loads).keys()].sort(), [
    'lib/google/iap.ts',
    'lib/google/lease.ts',
    'lib/google/tunnel-process.ts',
    'lib/runtime/duration.ts',
    'lib/runtime/errors.ts',
    'lib/runtime/waits.ts',
    'ws',
  ]),
)
light.run()

const named = suite('a program that the lab names is there')
const NAMED = /(?:^|[\s'"`(]|checkout\/)((?:lab|lib|scripts)\/[\w./-]+\.(?:ts|sh))\b/gm
for (const file of readdirSync(join(root, 'lab'), { recursive: true, encoding: 'utf8' }).filter(name =>
  /\.(ts|sh)$/.test(name),
)) {
  named(file, () => {
    for (const [, name = ''] of readFileSync(join(root, 'lab', file), 'utf8').matchAll(NAMED))
      assert.ok(existsSync(join(root, name)), `${name} is missing`)
  })
}
named.run()

/** What only the schema looks at: the version of the file's format. */
const OWN_KEYS = ['schema']

const keys = suite("every key of an environment's file is read")
const readers = [...texts].filter(([file]) => !file.startsWith('lab/') && !/^lib\/config\/(schema|load)\.ts$/.test(file))
const allReads = readers.map(([, text]) => readsOf(text))
const reads = {
  read: new Set(allReads.flatMap(({ read }) => [...read])),
  whole: new Set(allReads.flatMap(({ whole }) => [...whole])),
}
const allText = readers.map(([, text]) => text).join('\n')
for (const key of leafKeys(environmentSchema).filter(({ path }) => !OWN_KEYS.includes(path))) {
  keys(key.path, () => assert.ok(isRead(key, reads, allText), 'the schema has it and nothing reads it'))
}
keys.run()

const scripts = suite('a task a:b is scripts/a/b.ts')
for (const file of sources.filter(name => name.startsWith('scripts/'))) {
  scripts(file, () => {
    const text = readFileSync(join(root, file), 'utf8')
    const name = file.slice('scripts/'.length, -'.ts'.length).replaceAll('/', ':')
    assert.match(text, `name: '${name}'`)
    assert.match(
      text.split('\n')[0] ?? '',
      /^#!\/usr\/bin\/env -S sh -c 'exec "\$\(dirname "\$0"\)\/(\.\.\/)+taskw" node "\$0" "\$@"'$/,
    )
  })
}
scripts.run()

const tests = suite('every test file runs its suites')
for (const name of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(name =>
  name.endsWith('.test.ts'),
)) {
  tests(name, () => {
    const text = readFileSync(join(root, 'test', name), 'utf8')
    const suites = [...text.matchAll(/^const (\w+) = suite(?:<[^\n]*>)?\(/gm)].map(([, variable]) => variable)
    assert.ok(suites.length > 0 || /\btest\.run\(\)/.test(text), 'it has no suite')
    for (const variable of suites) assert.match(text, new RegExp(`\\b${variable}\\.run\\(\\)`), `${variable}.run() is missing`)
  })
}
tests.run()
