import type { Endpoints } from '../config/endpoints.ts'
import type { Credentials } from '../google/credentials.ts'
import { openStore, type Store } from '../google/storage.ts'
import type { StateObjects } from '../terraform/terraform.ts'

/** Terraform's states as the objects that they are in their buckets: read past Terraform, which writes an empty one where there is none. */
export function stateObjects(
  project: () => Promise<string>,
  credentials: Credentials,
  endpoints: Endpoints | undefined,
): StateObjects {
  const storeOf = async (bucket: string): Promise<Store> =>
    openStore(bucket, await project(), credentials, { endpoint: endpoints?.storage })
  return {
    read: async (bucket, object) => (await (await storeOf(bucket)).read(object))?.content,
    create: async (bucket, object, content) => (await (await storeOf(bucket)).write(object, content, '0')) !== undefined,
  }
}
