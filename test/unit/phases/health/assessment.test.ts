import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError } from '../../../../lib/cluster/rest.ts'
import type { Inventory } from '../../../../lib/model/health/inventory.ts'
import type { Context } from '../../../../lib/operation/context.ts'
import { untilHealthy } from '../../../../lib/phases/health/assessment.ts'
import { verified } from '../../../../lib/phases/health/verified.ts'
import { external } from '../../../../lib/runtime/errors.ts'
import { ago, application, deployment, inBrief, inventory, NOW } from '../../support/kubernetes.ts'
import { failureOf } from '../../support/layers.ts'

const HEALTHY = inventory()
const PROGRESSING = inventory({ deployments: [deployment({ status: { availableReplicas: 0 } })] })
const BROKEN = inventory({ applications: [application({ status: { health: { status: 'Degraded' } } })] })
const STORAGE = { type: 'kubernetes_storage_class', attributes: { metadata: [{ name: 'local-path' }] } }
const AWAY = external('out of reach', 'is the tunnel up')

/** A context on a cluster with these inventories, one per survey; the last one stays. */
function contextOn(...surveys: (Inventory | Error)[]) {
  const seen = {
    surveys: 0,
    watches: 0,
    closed: 0,
    warnings: [] as string[],
    progress: [] as string[],
    facts: {} as Record<string, unknown>,
  }
  const stop = new AbortController()
  const cluster = {
    async inventory() {
      const survey = surveys[Math.min(seen.surveys++, surveys.length - 1)]
      if (survey instanceof Error) throw survey
      return { inventory: survey, versions: {} }
    },
    watch() {
      seen.watches++
      return {
        next: (atMost: number) => new Promise(resolve => setTimeout(resolve, Math.min(atMost, 5))),
        close: () => seen.closed++,
      }
    },
  }
  const context = {
    environment: { verify: { namespaces: {}, applications: [], volumes: [] } },
    now: () => NOW,
    signal: stop.signal,
    log: { warn: (text: string) => seen.warnings.push(text) },
    progress: (text: string) => seen.progress.push(text),
    journal: { fact: async (name: string, value: unknown) => Object.assign(seen.facts, { [name]: value }) },
    cluster: async () => cluster,
  } as unknown as Context
  return { context, seen, stop }
}
const LONG = 10_000

const waits = suite('untilHealthy')
waits('healthy at once, it surveys once and watches nothing', async () => {
  const { context, seen } = contextOn(HEALTHY)
  assert.equal(await untilHealthy(context, LONG), { verdict: 'healthy', findings: [] })
  assert.equal([seen.surveys, seen.watches], [1, 0])
})
waits('surveys again after each change, with one watch, until it is healthy', async () => {
  const { context, seen } = contextOn(PROGRESSING, PROGRESSING, HEALTHY)
  assert.is((await untilHealthy(context, LONG)).verdict, 'healthy')
  assert.equal([seen.surveys, seen.watches, seen.closed], [3, 1, 1])
  assert.match(seen.progress[0] ?? '', 'threads/Deployment/nextjs: 0 of 1 new pods are available')
})
waits('an error may be cured meanwhile; it is reported once', async () => {
  const { context, seen } = contextOn(BROKEN, BROKEN, HEALTHY)
  assert.is((await untilHealthy(context, LONG)).verdict, 'healthy')
  assert.equal(seen.warnings, ['argocd/Application/threads: Degraded'])
})
waits('out of time, what was on its way is an error', async () => {
  const { context, seen } = contextOn(PROGRESSING)
  const { verdict, findings } = await untilHealthy(context, 30)
  assert.is(verdict, 'unhealthy')
  assert.equal(inBrief(findings), ['error rollout/progressing, heals'])
  assert.is(seen.closed, seen.watches)
})
for (const [why, resources, remedy] of [
  ['the layer whose state has its kind', async () => [STORAGE], './taskw layer:apply -- cluster'],
  ['every layer where no state has it', async () => [], './taskw layer:apply'],
  ['every layer where the states can’t be read', async () => Promise.reject(AWAY), './taskw layer:apply'],
] as const) {
  waits(`what is missing is applied by ${why}`, async () => {
    const { context } = contextOn(inventory({ storageClasses: [] }))
    const terraform = {
      layers: ['vm', 'cluster'],
      resources: async (layer: string) => (layer === 'cluster' ? resources() : []),
    }
    const { findings } = await untilHealthy({ ...context, terraform: terraform as unknown as Context['terraform'] }, 0)
    assert.is(findings.find(({ rule }) => rule === 'storage-class/no-default')?.remedy, remedy)
  })
}
waits('the states are not asked for while nothing is missing', async () => {
  const { context } = contextOn(BROKEN)
  const resources = () => assert.unreachable('they are')
  const terraform = { layers: ['vm'], resources } as unknown as Context['terraform']
  assert.is((await untilHealthy({ ...context, terraform }, 0)).verdict, 'unhealthy')
})
waits('no time at all is one survey', async () => {
  const { context, seen } = contextOn(PROGRESSING, HEALTHY)
  assert.is((await untilHealthy(context, 0)).verdict, 'unhealthy')
  assert.is(seen.surveys, 1)
})
for (const [why, error] of [
  ['lost', AWAY],
  ['to a server that is only just coming up', new ApiError(503, 'starting', '')],
] as const) {
  waits(`a connection ${why} is tried again, and watched anew`, async () => {
    const { context, seen } = contextOn(PROGRESSING, error, PROGRESSING, HEALTHY)
    assert.is((await untilHealthy(context, LONG)).verdict, 'healthy')
    assert.equal([seen.watches, seen.closed], [2, 2])
  })
}
for (const [status, code] of [
  ['TERMINATED', undefined],
  ['RUNNING', 5],
] as const) {
  waits(`out of reach while its VM is ${status}`, async () => {
    const { context } = contextOn(PROGRESSING, AWAY)
    const never = () => new Promise<never>(() => undefined)
    Object.assign(context, {
      terraform: { layers: ['00-vpc'] },
      output: async () => 'vm',
      compute: async () => ({ vm: async () => ({ status }) }),
      // A VM that hangs must not make the waiting longer.
      ...{ dial: never, tunnel: never, host: never },
    })
    const waiting = untilHealthy(context, 1000)
    if (code) assert.is((await failureOf(waiting)).code, code)
    else assert.equal(inBrief((await waiting).findings), ['error vm/stopped'])
  })
}
/** `NOW` is noon, UTC. */
const OFF = { on: '09:00', off: '11:00', timeZone: 'UTC' }
function offBySchedule() {
  const { context, seen } = contextOn(PROGRESSING, AWAY)
  Object.assign(context.environment, { schedule: OFF })
  const compute = async () => ({ vm: async () => ({ status: 'TERMINATED', statusMessage: '' }) })
  Object.assign(context, { terraform: { layers: ['00-vpc'] }, output: async () => 'vm', compute })
  return { context, seen }
}
waits('a VM that is off by its schedule is not waited for, and nothing is wrong with it', async () => {
  const { verdict, findings } = await untilHealthy(offBySchedule().context, LONG)
  assert.equal([verdict, inBrief(findings)], ['progressing', ['warning vm/off, heals']])
})
waits('what is verified meanwhile is only partly done', async () => {
  const failure = await failureOf(verified({ within: LONG }).run(offBySchedule().context))
  assert.is(failure.code, 7)
  assert.match(failure.message, 'is off until 09:00 (UTC)')
})
waits('out of reach to the end, that is the error', async () =>
  assert.is((await failureOf(untilHealthy(contextOn(AWAY).context, 20))).message, 'out of reach'),
)
for (const [why, error, code] of [
  ['a refusal', new ApiError(403, 'forbidden', ''), 5],
  ['a bug', new TypeError('x is undefined'), 1],
] as const) {
  waits(`${why} ends it at once`, async () => {
    const { context, seen } = contextOn(PROGRESSING, error)
    assert.is((await failureOf(untilHealthy(context, LONG))).code, code)
    assert.equal([seen.surveys, seen.closed], [2, 1])
  })
}
waits('an interruption', async () => {
  const { context, seen, stop } = contextOn(PROGRESSING)
  setTimeout(() => stop.abort(), 20)
  assert.is((await failureOf(untilHealthy(context, LONG))).code, 130)
  assert.is(seen.closed, 1)
})
waits.run()

const phase = suite('the phase `verified`')
phase('healthy is done', async () => {
  const { context } = contextOn(HEALTHY)
  assert.is((await verified({ within: LONG }).check(context)).state, 'done')
})
phase('a warning does not make it to do', async () => {
  const stale = inventory({ applications: [application({ status: { reconciledAt: ago(3_600_000) } })] })
  assert.is((await verified({ within: LONG }).check(contextOn(stale).context)).state, 'done')
})
phase('otherwise it says what it will wait for', async () => {
  const state = await verified({ within: LONG }).check(contextOn(PROGRESSING).context)
  assert.equal(state, { state: 'todo', changes: ['wait until it is healthy: 1 warning'] })
})
phase('in vain: exit code 6, each finding with its remedy, and in the journal', async () => {
  const { context, seen } = contextOn(BROKEN)
  const error = await failureOf(verified({ within: 10 }).run(context))
  assert.is(error.code, 6)
  assert.match(error.message, /argocd\/Application\/threads\n {2}✘ Degraded {2}application\/health\n {4}→ kubectl/)
  assert.is((seen.facts.findings as unknown[]).length, 1)
})
phase.run()
