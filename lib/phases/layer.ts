import { applyOrder, destroyOrder, needsCluster } from '../model/layer/order.ts'
import type { Change } from '../model/layer/stream.ts'
import { usage } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import type { Phase, PhaseState } from '../runtime/phases.ts'
import type { Plan } from '../terraform/terraform.ts'
import { applyWithAdoption, planLayer } from './adoption.ts'
import type { Operation } from './operation.ts'

/** Applies one layer. What its check planned is what its run applies. */
export function layer(name: string): Phase<Operation> {
  let plan: Plan | undefined
  return {
    id: `layer/${name}`,
    title: `Layer ${name}`,

    async check(context) {
      const needs = await missingBelow(name, context)
      if (needs !== undefined) return { state: 'unknown', needs }
      if (needsCluster(name, context.terraform.layers)) await context.tunnel()
      plan = await planLayer(name, context)
      if (!plan.empty) return { state: 'todo', changes: describeChanges(plan) }
      const { serial, resources } = await context.terraform.state(name)
      return { state: 'done', evidence: { serial, resources } }
    },

    async run(context) {
      const { terraform, disconnect } = context
      const planned = onlyAfterCheck(plan)
      await applyWithAdoption(planned, context)
      // The VM may be another one now, at another address.
      if (!needsCluster(name, terraform.layers)) await disconnect()
      const { serial, resources } = await terraform.state(name)
      return { serial, resources, changes: planned.changes as unknown as Json }
    },
  }
}

/** Destroys one layer and nothing else. */
export function layerDestroyed(name: string): Phase<Operation> {
  let plan: Plan | undefined
  return {
    id: `layer/${name}/destroyed`,
    title: `Destroy layer ${name}`,

    async check(context): Promise<PhaseState> {
      const { terraform } = context
      const { applied, serial } = await terraform.state(name)
      if (!applied) return { state: 'done', evidence: { serial } }
      const above = await appliedAbove(name, context)
      if (above !== undefined) return { state: 'unknown', needs: `${above} to be destroyed first` }
      if (needsCluster(name, terraform.layers)) await context.tunnel()
      plan = await planLayer(name, context, { destroy: true })
      return { state: 'todo', changes: describeChanges(plan) }
    },

    async run({ terraform, progress, disconnect }) {
      const planned = onlyAfterCheck(plan)
      // The VM is about to go: what is connected to it would only hang.
      if (!needsCluster(name, terraform.layers)) await disconnect()
      await terraform.apply(planned, progress)
      const { serial } = await terraform.state(name)
      return { serial, destroyed: planned.changes.map(({ address }) => address) }
    },
  }
}

/**
 * The layers that a command means: all of them in order, or those named.
 * @throws OpsError 2 for a name that is none
 */
export function chosenLayers(names: string[], { terraform }: Operation, order: 'apply' | 'destroy' = 'apply'): string[] {
  const unknown = names.filter(name => !terraform.layers.includes(name))
  if (unknown.length > 0) throw usage(`no such layer: ${unknown.join(', ')}`, `one of: ${terraform.layers.join(', ')}`)
  const chosen = names.length > 0 ? names : terraform.layers
  return order === 'apply' ? applyOrder(chosen) : destroyOrder(chosen)
}

const describeChanges = ({ changes, outputsChanged }: Plan): string[] => {
  const lines = changes.map(({ action, address }: Change) => `${action} ${address}`)
  return lines.length === 0 && outputsChanged ? ['change outputs only'] : lines
}

const missingBelow = async (name: string, { terraform }: Operation): Promise<string | undefined> => {
  for (const below of terraform.layers.filter(other => other < name)) {
    if (!(await terraform.state(below)).applied) return `layer ${below} to be applied`
  }
  return undefined
}

const appliedAbove = async (name: string, { terraform }: Operation): Promise<string | undefined> => {
  for (const above of terraform.layers.filter(other => other > name)) {
    if ((await terraform.state(above)).applied) return `layer ${above}`
  }
  return undefined
}

function onlyAfterCheck(plan: Plan | undefined): Plan {
  if (!plan) throw new Error('a layer runs only after its check has planned it')
  return plan
}
