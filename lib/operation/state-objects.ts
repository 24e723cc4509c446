import { openStore, type Store, writeOver } from '../google/storage.ts'
import type { StateObjects } from '../terraform/terraform.ts'
import type { Context } from './context.ts'

/** Terraform's states as the objects that they are in their buckets: read past Terraform, which writes an empty one where there is none. */
export function stateObjects({
  credentials,
  endpoints,
  signal,
}: Pick<Context, 'credentials' | 'endpoints' | 'signal'>): StateObjects {
  const noneIsMade = async () => {
    throw new Error('a state is kept in a bucket that is there')
  }
  const storeOf = (bucket: string): Promise<Store> =>
    openStore(bucket, noneIsMade, credentials, { endpoint: endpoints?.storage, signal })
  return {
    read: async (bucket, object) => (await storeOf(bucket)).content(object),
    create: async (bucket, object, content) => 'generation' in (await writeOver(await storeOf(bucket), object, content, '0')),
  }
}
