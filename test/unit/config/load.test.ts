import { suite } from 'uvu'
import * as assert from 'uvu/assert'
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

load('a program is found by its path, or on PATH', () => {
  assert.is(configuredProgram('terraform'), 'terraform')
  assert.is(configuredProgram('.lab/bin/terraform'), `${root}.lab/bin/terraform`)
})

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

load('a layer whose name leaves no room for the rest of a snapshot’s name', () => {
  const long = `03-${'a'.repeat(36)}`
  assert.match(messageOf(lab.replace('01-k8s,', `01-k8s, ${long},`)), 'two digits, a hyphen, a name of at most 35 characters')
})

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
