import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { processesWith } from '../../../lab/machine/process.ts'
import { type Checkout, killTree, makeCheckout, onMachine, type Ran } from './checkout.ts'
import { bringUp } from './kept-lab.ts'

/** Those of a machine's end, of a closed terminal, and of a service manager. */
const SIGNALS = ['SIGKILL', 'SIGHUP', 'SIGTERM'] as const
type Signal = (typeof SIGNALS)[number]

/** What is ended, prepared so that it has something to do each time and can succeed. Snapshots are not among them: Google takes six of a disk in an hour. */
const VERBS: Record<string, { args: string[]; prepare?(context: Ended): Promise<unknown> }> = {
  up: { args: ['up', '--', '--json', '--yes'], prepare: changeLayer },
  'layer:apply': { args: ['layer:apply', '--', '00-vpc', '--json', '--yes'], prepare: changeLayer },
  bootstrap: {
    args: ['bootstrap', '--', '--json', '--yes'],
    prepare: ({ checkout }) => onMachine(checkout, 'rm /etc/k0s/k0s.yaml'),
  },
  verify: {
    args: ['verify', '--', '--json'],
    // After a restart of k0s, Argo CD may say for a moment that a project is missing.
    prepare: async ({ checkout }) => succeeded(await checkout.json('verify', '--wait', '2m')),
  },
}

/**
 * An interrupted run ends as documented, and one that was done before the signal came as it would have. A hangup ends Task itself, whose
 * exit code then nobody reads; a script or taskw that has not begun ends as any program does.
 */
const ENDS: Record<Signal, (number | null)[]> = {
  SIGKILL: [null, 0],
  SIGHUP: [0, 129, 130, null],
  SIGTERM: [0, 130, 143, null],
}

/** What the tests of a story share. */
export interface Ended {
  checkout: Checkout
  /** How long each verb takes that nothing ends, in milliseconds. */
  took: Map<string, number>
  turn: number
}

/**
 * Each verb ended by each signal at moments spread over the time that it takes, then typed once more: that run comes to the right end with
 * nothing done by hand, and leaves no process and no lock.
 * @param options.seed another one gives other moments
 * @param options.moments how many per verb and signal
 */
export function tellEndings(story: Test<Ended>, { seed, moments }: { seed: string; moments: number }): void {
  story.before(async context => {
    context.checkout = await makeCheckout()
    context.took = new Map()
    context.turn = 0
    succeeded(await bringUp(context.checkout))
  })
  story.after(async ({ checkout }) => checkout.remove())

  for (const [verb, { args, prepare }] of Object.entries(VERBS)) {
    story(`${verb} in peace`, async context => {
      await prepare?.(context)
      context.took.set(verb, succeeded(await context.checkout.task(...args)).ms)
    })
    for (const signal of SIGNALS) {
      for (let n = 0; n < moments; n++) {
        const part = fraction(`${seed} ${verb} ${signal} ${n}`)
        story(`${verb}, ${signal} after ${Math.round(part * 100)} %`, async context => {
          const { checkout, took } = context
          const inPeace = took.get(verb)
          assert.ok(inPeace, `${verb} in peace did not succeed`)
          await prepare?.(context)
          const code = await endedAfter(checkout, args, signal, part * inPeace)
          assert.ok(ENDS[signal].includes(code), `exit code ${code}`)
          succeeded(await checkout.task(...args))
          assert.equal(runsOf(checkout), [])
          const { document } = await checkout.json('status')
          assert.is(document.lock, null)
        })
      }
    }
  }
  story('it is as healthy as before', async ({ checkout }) => {
    assert.is(succeeded(await checkout.json('verify', '--wait', '2m')).document.verdict, 'healthy')
    succeeded(await checkout.json('up', '--yes'))
    succeeded(await checkout.json('layer:plan'))
  })
}

const succeeded = (ran: Ran): Ran => {
  assert.is(ran.code, 0, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-2000)}`)
  return ran
}

/** A change that Terraform makes in place: the VM is protected from deletion, and the next time no longer. */
async function changeLayer(context: Ended): Promise<void> {
  context.turn += 1
  const file = join(context.checkout.directory, 'terraform/00-vpc/envs/lab/turn.auto.tfvars')
  await writeFile(file, `deletion_protection = ${context.turn % 2 === 1}\n`)
}

/** From 0 to 1, always the same for the same text. */
const fraction = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32

/** @returns the exit code; null after SIGKILL */
async function endedAfter(checkout: Checkout, args: string[], signal: Signal, ms: number): Promise<number | null> {
  const child = checkout.start(...args)
  child.stdout?.resume()
  child.stderr?.resume()
  const closed = new Promise<number | null>(resolve => child.once('close', resolve))
  await Promise.race([sleep(ms), closed])
  if (child.exitCode === null && child.pid !== undefined) {
    if (signal === 'SIGKILL') await killTree(child.pid)
    else process.kill(-child.pid, signal)
  }
  return closed
}

/** Command lines of the scripts and Terraforms of a checkout that still run. */
function runsOf({ directory }: Checkout): string[] {
  const ours = processesWith('cmdline', ([program = '', ...words]) => {
    const line = [program, ...words].join(' ')
    return line.includes(`${directory}/`) && (/\/scripts\/(?!lab\/)/.test(line) || /terraform/.test(program))
  })
  return ours.map(({ pid }) => `process ${pid}`)
}
