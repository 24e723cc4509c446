import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { root } from '../../lib/runtime/files.ts'

interface Workflow {
  permissions?: Record<string, string> | string
  jobs: Record<string, { permissions?: Record<string, string>; uses?: string; steps?: { uses?: string; run?: string }[] }>
}

const FOLDER = '.github/workflows'
const workflows = readdirSync(join(root, FOLDER))
  .filter(file => /\.ya?ml$/.test(file))
  .map(file => ({ file, text: readFileSync(join(root, FOLDER, file), 'utf8') }))
const SUPPLY_CHAIN = readFileSync(join(root, 'docs/supply-chain.md'), 'utf8')

/** An action of another repository, at a commit; the release is for people, and for what keeps the pins up to date. */
const PINNED = /^\s*(?:- )?uses: ([\w.-]+\/[\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$/

const tests = suite('workflows')

for (const { file, text } of workflows) {
  const lines = text.split('\n').filter(line => /^\s*(- )?uses:/.test(line))

  tests(`${file}: every action is at a commit, and says which release that is`, () => {
    assert.ok(lines.length > 0)
    for (const line of lines.filter(used => !/uses: \.\//.test(used))) assert.match(line, PINNED)
  })

  tests(`${file}: the documentation lists what it uses`, () => {
    for (const line of lines) {
      const [, action = '', commit = ''] = PINNED.exec(line) ?? []
      assert.ok(SUPPLY_CHAIN.includes(`| \`${action}\``) && SUPPLY_CHAIN.includes(commit), line)
    }
  })

  tests(`${file}: its token may only read`, () => {
    const { permissions, jobs } = parse(text) as Workflow
    assert.equal(permissions, { contents: 'read' })
    for (const job of Object.values(jobs)) assert.is(job.permissions, undefined)
  })
}

tests('what npm installs is audited', () => {
  const commands = workflows.flatMap(({ text }) =>
    Object.values((parse(text) as Workflow).jobs).flatMap(({ steps = [] }) => steps.map(({ run = '' }) => run)),
  )
  assert.ok(commands.includes('./taskw audit'))
})

tests('what prod applies has its lock files demanded', () => {
  const commands = workflows.flatMap(({ text }) =>
    Object.values((parse(text) as Workflow).jobs).flatMap(({ steps = [] }) => steps.map(({ run = '' }) => run)),
  )
  assert.ok(commands.some(run => run.includes('./taskw lock ENV=prod -- --dry-run')))
  for (const run of commands.filter(command => /terraform .*\binit\b/.test(command))) assert.match(run, '-lockfile=readonly')
})

tests.run()
