import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { environmentNames } from '../../lib/config/names.ts'
import { root } from '../../lib/runtime/files.ts'

const MOST_FILES = 3

/** The rows of the table of a section of CONTRIBUTING.md: the change, and the files that its second column names. */
function changesIn(section: string): { change: string; files: string[] }[] {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const [, body = ''] = text.split(`\n## ${section}\n`)
  const [own = ''] = body.split('\n## ')
  const rows = own.split('\n').filter(line => line.startsWith('| '))
  return rows.slice(1).map(row => {
    const [, change = '', files = ''] = row.split('|')
    return { change: change.trim(), files: [...files.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file) }
  })
}

/** What must be there: the file in each environment; of a file that is to be made, the folder that is there already. */
const placesOf = (file: string): string[] =>
  environmentNames().map(name => {
    const path = file.replaceAll('<env>', name)
    return path.includes('<') ? path.slice(0, path.lastIndexOf('/', path.indexOf('<'))) : path
  })

const changes = changesIn('Five changes')
const tests = suite('the five changes in CONTRIBUTING.md')

tests('are five', () => assert.is(changes.length, 5))

for (const { change, files } of changes) {
  tests(`${change}: names one to three files`, () =>
    assert.ok(files.length >= 1 && files.length <= MOST_FILES, files.join(', ')),
  )
  for (const file of files) {
    tests(`${change}: ${file} is there`, () => {
      for (const place of placesOf(file)) assert.ok(existsSync(join(root, place)), `${place} is missing`)
    })
  }
}

tests.run()
