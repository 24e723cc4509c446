import { withOperatorKeys } from '../../model/ssh-keys.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'

type VmContext = Pick<Context, 'compute' | 'output' | 'outputs' | 'baseLayer'>

/** Writes the operators' SSH keys to the VM's metadata: Terraform does so only at creation, because others write keys there too. */
export function operatorKeys(): Phase<VmContext> {
  return {
    id: 'vm/operator-keys',
    title: 'Operators may log in',

    async check(context) {
      const { name, current, wanted } = await keysOf(context)
      if (current === wanted) return { state: 'done', evidence: { vm: name } }
      return { state: 'todo', changes: [`update the operators' keys of ${name}`] }
    },

    async run(context) {
      const { name, compute, keysFor } = await keysOf(context)
      await compute.setMetadata(name, 'ssh-keys', keysFor)
      return { vm: name }
    },
  }
}

async function keysOf({ compute: open, output, outputs, baseLayer }: VmContext) {
  const [compute, name, { ssh_keys: operators }] = await Promise.all([open(), output(baseLayer, 'vm_name'), outputs(baseLayer)])
  const current = (await compute.metadata(name, 'ssh-keys')) ?? ''
  // A layer that was applied before it had this output has written the keys by itself.
  const keysFor = (present: string) => (Array.isArray(operators) ? withOperatorKeys(present, operators.map(String)) : present)
  return { compute, name, current, wanted: keysFor(current), keysFor }
}
