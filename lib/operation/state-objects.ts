import type { Endpoints } from '../config/endpoints.ts'
import type { Credentials } from '../google/credentials.ts'
import { openStore, type Store } from '../google/storage.ts'
import type { StateObjects } from '../terraform/terraform.ts'

/** Terraform's states as the objects that they are in their buckets: read past Terraform, which writes an empty one where there is none. */
export function stateObjects(credentials: Credentials, endpoints: Endpoints | undefined): StateObjects {
  const stores = new Map<string, Promise<Store>>()
  const storeOf = (bucket: string): Promise<Store> => {
    const store = stores.get(bucket) ?? openStore(bucket, undefined, credentials, endpoints?.storage)
    stores.set(bucket, store)
    return store
  }
  return {
    read: async (bucket, object) => (await (await storeOf(bucket)).read(object))?.content,
    create: async (bucket, object, content) => (await (await storeOf(bucket)).write(object, content, '0')) !== undefined,
  }
}
