import { needsCluster } from '../../model/layer/order.ts'
import { clockOf, type Schedule, scheduleAt } from '../../model/schedule.ts'
import type { Context } from '../../operation/context.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Phase } from '../../runtime/phases.ts'
import { waitFor } from '../../runtime/wait.ts'

type VmContext = Pick<Context, 'compute' | 'output' | 'baseLayer' | 'disconnect' | 'signal'>

const TRANSITION_DEADLINE_MS = 3 * 60_000

/** Starts the VM. Google may stop a spot VM at any time, and Terraform does not start it again. */
export function vmRunning(): Phase<VmContext> {
  return {
    id: 'vm/running',
    title: 'VM is running',

    async check(context) {
      const { name, vm } = await find(context)
      if (vm.status === 'RUNNING') return { state: 'done', evidence: { vm: name, id: vm.id } }
      return { state: 'todo', changes: [`start ${name}, which is ${vm.status}`] }
    },

    async run(context) {
      const { name, compute } = await find(context)
      await context.disconnect()
      // A VM can't be started while it is STOPPING.
      await waitFor({
        what: `${name} to stop or run`,
        within: TRANSITION_DEADLINE_MS,
        signal: context.signal,
        probe: async () => ['TERMINATED', 'RUNNING'].includes((await compute.vm(name))?.status ?? '') || undefined,
      })
      if ((await compute.vm(name))?.status !== 'RUNNING') await compute.start(name)
      return { vm: name, started: true }
    },
  }
}

/** The same, for a VM that is to stay up: where its schedule has it off now, it says when that will stop it. */
export function vmKeptRunning(): Phase<VmContext & Pick<Context, 'environment' | 'now' | 'log'>> {
  const running = vmRunning()
  let isTold = false
  return {
    ...running,
    async check(context) {
      const { environment, now, log, output, baseLayer } = context
      const stop = environment.schedule && nextStop(environment.schedule, now())
      if (stop !== undefined && !isTold)
        log.warn(`${await output(baseLayer, 'vm_name')}: its schedule has it off now, and will stop it at ${stop}`)
      isTold = true
      return running.check(context)
    },
  }
}

/** When the schedule next stops what runs although it has it off; undefined while it has it on. */
function nextStop(schedule: Schedule, now: Date): string | undefined {
  const { isOn, until } = scheduleAt(schedule, now)
  return isOn ? undefined : clockOf(scheduleAt(schedule, until).until, schedule)
}

/** A running VM, but only where an applied layer needs the cluster: there is no other reason to start a VM before it is destroyed. */
export function vmRunningIfNeeded(): Phase<VmContext & Pick<Context, 'terraform'>> {
  const running = vmRunning()
  return {
    ...running,
    async check(context) {
      const { layers, state } = context.terraform
      const applied = await Promise.all(
        layers.filter(layer => needsCluster(layer, layers)).map(async layer => (await state(layer)).applied),
      )
      return applied.includes(true) ? running.check(context) : { state: 'done', evidence: 'no applied layer needs it' }
    },
  }
}

async function find({ compute: open, output, baseLayer }: VmContext) {
  const [compute, name] = await Promise.all([open(), output(baseLayer, 'vm_name')])
  const vm = await compute.vm(name)
  if (!vm) {
    throw precondition(
      `VM ${name} is in Terraform's state but not in the project`,
      `\`./taskw layer:apply -- ${baseLayer}\` creates it again`,
    )
  }
  return { compute, name, vm }
}
