import type { PlannedResource, Values } from '../../../../lib/model/layer/planned.ts'

/** A planned resource whose values are the same before and after, as far as its actions leave them. */
export function planned(
  address: string,
  actions: readonly string[],
  values: Values = {},
  rest: Partial<PlannedResource> = {},
): PlannedResource {
  const [type = '', name = ''] = (/([a-z0-9_]+)\.([\w-]+)(?:\[.*\])?$/.exec(address) ?? []).slice(1)
  const isNew = actions.length === 1 && actions[0] === 'create'
  const isGone = actions.length === 1 && actions[0] === 'delete'
  return {
    address,
    mode: 'managed',
    type,
    name,
    actions,
    before: isNew ? null : values,
    after: isGone ? null : values,
    ...rest,
  }
}
