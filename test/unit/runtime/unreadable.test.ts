import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { credentials } from '../../../lib/google/credentials.ts'
import { chosenLayers } from '../../../lib/phases/layer/choice.ts'
import { readNamed } from '../../../lib/runtime/files.ts'
import { failureOf, LAYERS } from '../support/layers.ts'

const directory = mkdtempSync(join(tmpdir(), 'unreadable-'))
writeFileSync(join(directory, 'empty'), '\n')

const files = suite('what is named by somebody and can’t be read')
files.after(() => rmSync(directory, { recursive: true }))
for (const [why, read, message] of [
  ['a folder for a file', () => readNamed(directory), /is a folder/],
  ['a file for a folder', () => readNamed(join(directory, 'empty', 'x')), /one of its folders is a file/],
  ['a missing token file', () => credentials(join(directory, 'none')).token(), /there is no token file/],
  ['an empty token file', () => credentials(join(directory, 'empty')).token(), /there is no token in/],
  ['a folder for a token file', () => credentials(directory).token(), /is a folder/],
] as [string, () => Promise<unknown>, RegExp][]) {
  files(why, async () => {
    const failure = await failureOf(read())
    assert.is(failure.code, 4)
    assert.match(failure.message, message)
  })
}
files('a layer that there is not', async () => {
  const failure = await failureOf((async () => chosenLayers(['01-k8'], { terraform: { layers: LAYERS } }))())
  assert.is(failure.code, 2)
  assert.match(failure.message, 'did you mean "01-k8s"')
})
files.run()
