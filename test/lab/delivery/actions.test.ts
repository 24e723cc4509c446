import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interpolate } from '../../../lab/delivery/actions/expressions.ts'
import { isTriggered } from '../../../lab/delivery/actions/filters.ts'
import { combinations, parseWorkflow, plannedJobs, startsOn } from '../../../lab/delivery/actions/workflow.ts'
import { root } from '../../../lib/runtime/files.ts'

const expression = (text: string) => `$\{{${text}}}`

const expressions = suite('interpolate')
const contexts = { github: { sha: 'abc' }, env: { HOST: 'h' }, matrix: { service: { folder: 'ml' } } }
for (const [text, expected] of [
  ['plain', 'plain'],
  [`${expression(' env.HOST ')}/x:${expression('github.sha')}`, 'h/x:abc'],
  [expression('matrix.service.folder'), 'ml'],
  [expression("matrix.service['folder']"), 'ml'],
  [expression("env.NONE || 'it''s'"), "it's"],
  [expression('env.NONE'), ''],
  [expression('steps.auth.outputs.access_token'), ''],
] as const) {
  expressions(text, () => assert.is(interpolate(text, contexts), expected))
}
expressions('a function is not understood, rather than empty', () =>
  assert.throws(() => interpolate(expression("format('{0}', github.sha)"), contexts), /format/),
)
expressions.run()

const filters = suite('isTriggered')
for (const [why, filter, branch, paths, expected] of [
  ['no filter', {}, 'any', ['a'], true],
  ['the branch', { branches: ['master'] }, 'master', ['a'], true],
  ['another branch', { branches: ['master'] }, 'feature', ['a'], false],
  ['a pattern', { branches: ['release/*'] }, 'release/1', ['a'], true],
  ['a star stops at a slash', { branches: ['release/*'] }, 'release/1/2', ['a'], false],
  ['two stars do not', { branches: ['release/**'] }, 'release/1/2', ['a'], true],
  ['an exception', { branches: ['**', '!tmp/*'] }, 'tmp/x', ['a'], false],
  ['an ignored branch', { 'branches-ignore': ['tmp/*'] }, 'tmp/x', ['a'], false],
  ['tags alone', { tags: ['v*'] }, 'master', ['a'], false],
  ['a path below', { paths: ['ml/**'] }, 'master', ['README.md', 'ml/src/main.py'], true],
  ['no such path', { paths: ['ml/**'] }, 'master', ['mlx/main.py'], false],
  ['only ignored paths', { 'paths-ignore': ['**.md'] }, 'master', ['docs/a.md', 'b.md'], false],
  ['one path that is not ignored', { 'paths-ignore': ['**.md'] }, 'master', ['docs/a.md', 'b.py'], true],
  ['a dot is a dot', { paths: ['a.py'] }, 'master', ['axpy'], false],
] as const) {
  filters(why, () => assert.is(isTriggered(filter as never, branch, [...paths]), expected))
}
filters.run()

const matrices = suite('combinations')
for (const [why, matrix, expected] of [
  ['no matrix', undefined, [{}]],
  ['one axis', { service: ['a', 'b'] }, [{ service: 'a' }, { service: 'b' }]],
  [
    'two axes',
    { service: ['a', 'b'], arch: [1, 2] },
    [
      { service: 'a', arch: 1 },
      { service: 'a', arch: 2 },
      { service: 'b', arch: 1 },
      { service: 'b', arch: 2 },
    ],
  ],
  ['an exclusion', { service: ['a', 'b'], arch: [1], exclude: [{ service: 'a' }] }, [{ service: 'b', arch: 1 }]],
  [
    'an inclusion that adds to a combination',
    { service: ['a', 'b'], include: [{ service: 'b', folder: 'x' }] },
    [{ service: 'a' }, { service: 'b', folder: 'x' }],
  ],
  ['an inclusion of its own', { service: ['a'], include: [{ service: 'c' }] }, [{ service: 'a' }, { service: 'c' }]],
  ['inclusions alone', { include: [{ service: 'a' }, { service: 'b' }] }, [{ service: 'a' }, { service: 'b' }]],
] as const) {
  matrices(why, () => assert.equal(combinations(matrix), expected))
}
matrices('one that is computed is not understood', () =>
  assert.throws(() => combinations(expression('fromJSON(needs.x.outputs.y)')), /computed/),
)
matrices.run()

const plans = suite("the sample application's workflow")
const sample = parseWorkflow(
  readFileSync(join(root, 'lab/delivery/sample/.github/workflows/deploy-gcp.yml'), 'utf8'),
) as NonNullable<ReturnType<typeof parseWorkflow>>
const sha = 'a'.repeat(40)

plans('builds both services for linux/amd64, tagged with the full commit id and latest', () => {
  const jobs = plannedJobs(sample, { repository: 'threads-nextjs', branch: 'master', sha })
  assert.equal(
    jobs.map(({ name }) => name),
    ['build (nextjs)', 'build (ml-service)'],
  )
  for (const [index, service] of ['nextjs', 'ml-service'].entries()) {
    const build = jobs[index]?.steps.find(({ action }) => action === 'docker/build-push-action')
    assert.is(build?.input('context'), service)
    assert.is(build?.input('platforms'), 'linux/amd64')
    const image = `us-east1-docker.pkg.dev/web-service-design/threads/${service}`
    assert.equal(build?.input('tags').trim().split('\n'), [`${image}:${sha}`, `${image}:latest`])
  }
})
plans('may ask for a token of its identity', () =>
  assert.ok(plannedJobs(sample, { repository: 'r', branch: 'master', sha }).every(({ mayIdentify }) => mayIdentify)),
)
plans('starts for a change of a service on master, and for nothing else', () => {
  assert.ok(startsOn(sample, 'master', ['ml-service/pyproject.toml']))
  assert.not(startsOn(sample, 'feature', ['ml-service/pyproject.toml']))
  assert.not(startsOn(sample, 'master', ['README.md']))
})
plans('jobs come after those that they need', () => {
  const workflow = parseWorkflow(
    'on: push\njobs:\n  b: { needs: a, steps: [{ run: x }] }\n  a: { steps: [{ run: x }] }\n',
  ) as NonNullable<ReturnType<typeof parseWorkflow>>
  const jobs = plannedJobs(workflow, { repository: 'r', branch: 'master', sha })
  assert.equal(
    jobs.map(({ key }) => key),
    ['a', 'b'],
  )
})
plans("an Arm runner's builds are for Arm unless the workflow says otherwise", () => {
  const workflow = parseWorkflow(
    'on: push\njobs:\n  a: { runs-on: ubuntu-24.04-arm, steps: [{ uses: docker/build-push-action@v6 }] }\n',
  ) as NonNullable<ReturnType<typeof parseWorkflow>>
  const [job] = plannedJobs(workflow, { repository: 'r', branch: 'master', sha })
  assert.is(job?.steps[0]?.ownPlatform.architecture, 'arm64')
})
plans('text that is no workflow', () => assert.is(parseWorkflow('a: [1'), undefined))
plans.run()
