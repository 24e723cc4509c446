import { ownLabels } from '../../model/labels.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'

/** The bucket that holds every layer's state, and the environment's lock. */
export function stateBucket(): Phase<Pick<Context, 'store' | 'environment'>> {
  return {
    id: 'state-bucket',
    title: 'State bucket',

    async check({ store }) {
      const bucket = await store()
      return (await bucket.exists())
        ? { state: 'done', evidence: { bucket: bucket.name } }
        : { state: 'todo', changes: [`create bucket ${bucket.name}`] }
    },

    async run({ store, environment }) {
      const bucket = await store()
      await bucket.create(environment.terraform.bucketLocation, ownLabels({ environment: environment.name }))
      return { bucket: bucket.name }
    },
  }
}
