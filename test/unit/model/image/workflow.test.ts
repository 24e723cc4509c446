import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { triggerProblem } from '../../../../lib/model/image/trigger.ts'
import { type WorkflowNeeds, workflowFindings } from '../../../../lib/model/image/workflow.ts'
import { root } from '../../../../lib/runtime/files.ts'

const good = readFileSync(join(root, 'lab/delivery/sample/.github/workflows/deploy-gcp.yml'), 'utf8')
const FILE = '.github/workflows/deploy-gcp.yml'
const image = (name: string) => `us-east1-docker.pkg.dev/web-service-design/threads/${name}`
const needs: WorkflowNeeds = {
  file: FILE,
  branch: 'master',
  platform: 'linux/amd64',
  services: [
    { name: 'nextjs', folder: 'nextjs', versionFile: 'package.json', image: image('nextjs') },
    { name: 'ml-service', folder: 'ml-service', versionFile: 'pyproject.toml', image: image('ml-service') },
  ],
}
const open = (expression: string) => `$\{{ ${expression} }}`
const SHA_TAG = `:${open('github.sha')}`
const both = (rule: string, severity = 'error') => [`${severity} ${rule}`, `${severity} ${rule}`]

/** What a mistake is called; each is one replacement in a workflow that has none. */
const mistakes: [why: string, from: string | RegExp, to: string, expected: string[]][] = [
  ['none', '', '', []],
  ['arm64 alone', 'platforms: linux/amd64', 'platforms: linux/arm64', both('workflow/platform')],
  ['both platforms will do', 'platforms: linux/amd64', 'platforms: linux/arm64,linux/amd64', []],
  ['no platform', /^ *platforms:.*\n/m, '', both('workflow/platform-unset', 'warning')],
  [
    'no platform on an Arm runner',
    /runs-on: .*\n([\s\S]*?) *platforms:.*\n/,
    'runs-on: ubuntu-24.04-arm\n$1',
    both('workflow/platform-unset'),
  ],
  [
    'a platform that only a run knows',
    'platforms: linux/amd64',
    `platforms: ${open('vars.PLATFORMS')}`,
    both('workflow/platform-unknown', 'warning'),
  ],
  ['only latest', /^.*github\.sha \}\}\n(?=.*:latest)/m, '', both('workflow/mutable-tag')],
  ['a short commit id', SHA_TAG, ':sha-0123456', both('workflow/tag')],
  ['a tag that only a run knows', SHA_TAG, `:${open('steps.vars.outputs.short')}`, both('workflow/tag-unknown', 'warning')],
  ['built and not pushed', 'push: true', 'push: false', both('workflow/push')],
  ['pushed if', 'push: true', `push: ${open("github.event_name != 'pull_request'")}`, both('workflow/push-unknown', 'warning')],
  ['another branch', 'branches: [master]', 'branches: [main]', ['error workflow/branch']],
  ['no push', /^ {2}push:\n.*\n.*\n/m, '  workflow_dispatch:\n', ['error workflow/branch']],
  ['paths without a service', ", 'ml-service/**'", '', ['error workflow/paths']],
  ['a service that is not built', 'service: [nextjs, ml-service]', 'service: [nextjs]', ['error workflow/service']],
  [
    'a matrix that only a run knows',
    'service: [nextjs, ml-service]',
    `service: ${open('fromJSON(needs.a.outputs.b)')}`,
    both('workflow/unknown', 'warning'),
  ],
  ['no token of its identity', /^ *id-token: write\n/m, '', ['error workflow/identity']],
  ['a key', /workload_identity_provider: .*/, 'credentials_json: x', ['warning workflow/key']],
  ['no YAML', 'jobs:', 'jobs: [', ['error workflow/unreadable']],
  ['no jobs', /^jobs:[\s\S]*/m, '', ['error workflow/unreadable']],
]

const findings = suite('workflowFindings')
const found = (text: string | undefined) => workflowFindings(text, needs).map(({ severity, rule }) => `${severity} ${rule}`)
for (const [why, from, to, expected] of mistakes) {
  findings(why, () => {
    const text = good.replace(from, to)
    if (why !== 'none') assert.is.not(text, good, 'the mistake is not in the text')
    assert.equal(found(text), expected)
  })
}
findings('no workflow', () => assert.equal(found(undefined), ['error workflow/missing']))
findings('the line is named, and what to write there', () => {
  const text = good.replace('platforms: linux/amd64', 'platforms: linux/arm64')
  const [finding] = workflowFindings(text, needs)
  const line = text.split('\n').findIndex(each => each.includes('platforms:')) + 1
  assert.is(finding?.object, `${FILE}:${line}`)
  assert.is(finding?.remedy, 'platforms: linux/amd64')
  assert.match(finding?.message ?? '', /nextjs is built for linux\/arm64 only; the node is linux\/amd64/)
})
findings.run()

/** The tags made by docker/metadata-action. */
const metadata = suite('metadata-action')
for (const [rules, expected] of [
  [['type=sha,format=long,prefix='], []],
  [[`type=raw,value=${open('github.sha')}`, 'type=raw,value=latest'], []],
  [['type=sha'], both('workflow/tag')],
  [['type=sha,format=long'], both('workflow/tag')],
  [['type=ref,event=branch'], both('workflow/tag-unknown', 'warning')],
  [['type=raw,value=latest'], both('workflow/mutable-tag')],
] as [string[], string[]][]) {
  metadata(rules.join(' '), () => {
    const step = [
      '      - id: meta',
      '        uses: docker/metadata-action@v5',
      '        with:',
      `          images: ${open('env.REGISTRY')}/${open('env.REPOSITORY')}/${open('matrix.service')}`,
      `          tags: |\n${rules.map(rule => `            ${rule}`).join('\n')}`,
      '',
      '      - name: Build and push',
    ].join('\n')
    const text = good
      .replace('      - name: Build and push', step)
      .replace(/tags: \|\n.*github\.sha.*\n.*:latest\n/, `tags: ${open('steps.meta.outputs.tags')}\n`)
    assert.equal(found(text), expected)
  })
}
metadata.run()

const scripts = suite('a script that builds')
scripts('cannot be judged from here', () => {
  const text = 'on: push\njobs:\n  a:\n    steps:\n      - run: docker buildx build --push .\n'
  assert.equal(found(text), both('workflow/unknown', 'warning'))
})
scripts('one that does not is none', () => {
  assert.equal(found('on: push\njobs:\n  a:\n    steps:\n      - run: npm test\n'), both('workflow/service'))
})
scripts.run()

const triggers = suite('triggerProblem')
for (const [why, on, expected] of [
  ['push', 'push', undefined],
  ['a list', ['push', 'pull_request'], undefined],
  ['a list without it', ['pull_request'], 'push'],
  ['nothing', undefined, 'push'],
  ['no filter', { push: null }, undefined],
  ['another branch', { push: { branches: ['main'] } }, 'branch'],
  ['a branch that is ignored', { push: { 'branches-ignore': ['mast*'] } }, 'branch'],
  ['an exception', { push: { branches: ['**', '!master'] } }, 'branch'],
  ['a path below', { push: { paths: ['ml-service/**'] } }, undefined],
  ['a star stops at a slash', { push: { paths: ['*.toml'] } }, 'path'],
  ['two do not', { push: { paths: ['**/*.toml'] } }, undefined],
  ['a path that is ignored', { push: { 'paths-ignore': ['**.toml'] } }, 'path'],
] as const) {
  triggers(why, () => assert.is(triggerProblem(on, 'master', 'ml-service/pyproject.toml'), expected))
}
for (const [why, on, expected] of [
  ['push', 'push', undefined],
  ['a filter of branches', { push: { branches: ['master'] } }, undefined],
  ['another branch', { push: { branches: ['main'], paths: ['**'] } }, 'branch'],
  ['a filter of files, whatever it lets through', { push: { paths: ['**'] } }, 'path'],
  ['ignored files', { push: { 'paths-ignore': ['docs/**'] } }, 'path'],
] as const) {
  triggers(`an empty commit: ${why}`, () => assert.is(triggerProblem(on, 'master', undefined), expected))
}
triggers.run()

const touched = suite('workflowFindings for an empty commit')
touched('a filter of files keeps it from starting a run, said where it is', () => {
  const [found, ...more] = workflowFindings(good, { ...needs, services: needs.services.slice(0, 1), touch: true })
  assert.equal([found?.severity, found?.rule, more], ['error', 'workflow/paths', []])
  assert.match(found?.object ?? '', /deploy-gcp\.yml:\d+$/)
  assert.match(found?.message ?? '', 'an empty commit starts no run')
})
touched('without one there is nothing wrong', () => {
  assert.equal(workflowFindings(good.replace(/^ *paths:.*\n/m, ''), { ...needs, touch: true }), [])
})
touched('a change in the folder counts for a service without a file of its version', () => {
  const services = needs.services.map(({ versionFile: _file, ...service }) => service)
  assert.equal(workflowFindings(good, { ...needs, services }), [])
  const narrow = good.replace("'nextjs/**', ", '')
  assert.equal(
    workflowFindings(narrow, { ...needs, services }).map(({ rule }) => rule),
    ['workflow/paths'],
  )
})
touched.run()
