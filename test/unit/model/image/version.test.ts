import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nextVersion, versionIn, withVersion } from '../../../../lib/model/image/version.ts'

const next = suite('nextVersion')
for (const [current, to, expected] of [
  ['0.1.0', 'patch', '0.1.1'],
  ['0.1.9', 'patch', '0.1.10'],
  ['0.1.9', 'minor', '0.2.0'],
  ['0.9.9', 'major', '1.0.0'],
  ['0.1.0', '0.1.1', '0.1.1'],
  ['1.9.9', '2.0.0', '2.0.0'],
] as const) {
  next(`${current} to ${to}`, () => assert.equal(nextVersion(current, to), { version: expected }))
}
for (const [current, to, why] of [
  ['0.1.1', '0.1.1', 'not higher'],
  ['0.2.0', '0.1.9', 'not higher'],
  ['0.1.0', 'micro', 'neither patch'],
  ['0.1.0', '01.2.3', 'neither patch'],
  ['0.1.0-rc.1', 'patch', 'not a version'],
  ['', 'patch', 'not a version'],
] as const) {
  next(`${current} to ${to} is refused`, () => {
    const refused = nextVersion(current, to)
    assert.match('why' in refused ? refused.why : 'accepted', why)
  })
}
next.run()

const packageJson = `{
  "name": "threads-nextjs",
  "dependencies": { "x": { "version": "9.9.9" } },
  "config": "\\"version\\": \\"8.8.8\\"",
  "version": "0.1.0",
  "private": true
}
`
const pyproject = `[build-system]
requires = ["hatchling"]
version = "7.7.7"

[project]
name = "ml-service"
version = "0.1.0" # raised by hand
dependencies = [
  "numpy",
]

[tool.x]
version = '6.6.6'
`
const files = suite('versionIn, withVersion')
for (const [why, file, text, expected] of [
  ['the outermost member', 'package.json', packageJson, '0.1.0'],
  ['a package without one', 'package.json', '{ "dependencies": { "version": "1.0.0" } }', undefined],
  ['a value is no member', 'package.json', '{ "name": "version", "x": "1.0.0" }', undefined],
  ['the project table', 'pyproject.toml', pyproject, '0.1.0'],
  ['Poetry', 'pyproject.toml', '[tool.poetry]\nversion="1.2.3"\n', '1.2.3'],
  [
    'a project whose version is computed',
    'pyproject.toml',
    '[project]\ndynamic = ["version"]\n[x]\nversion = "1.0.0"\n',
    undefined,
  ],
  ['a file of another kind', 'VERSION', '1.0.0', undefined],
] as const) {
  files(why, () => assert.is(versionIn(file, text), expected))
}
for (const [file, text] of [
  ['package.json', packageJson],
  ['pyproject.toml', pyproject],
] as const) {
  files(`nothing else in ${file} changes`, () =>
    assert.is(withVersion(file, text, '10.20.30'), text.replace('0.1.0', '10.20.30')),
  )
}
files('nothing to replace', () => assert.is(withVersion('package.json', '{}', '1.0.0'), undefined))
files.run()
