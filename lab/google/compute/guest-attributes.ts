import type { Collection, State } from '../state.ts'

interface Attribute {
  namespace: string
  key: string
  value: string
}

interface Attributes {
  instance: string
  values: Attribute[]
}

/** What guests have published through the metadata server, by instance path. */
export class GuestAttributes {
  readonly #collection: Collection<Attributes>

  private constructor(collection: Collection<Attributes>) {
    this.#collection = collection
  }

  static async open(state: State): Promise<GuestAttributes> {
    return new GuestAttributes(await state.open<Attributes>('guest-attributes', ({ instance }) => instance))
  }

  /** All attributes, those of a namespace, or the one at `namespace/key`. */
  query(instance: string, path = ''): Attribute[] {
    const [namespace, key] = path.split('/')
    const values = this.#collection.get(instance)?.values ?? []
    return values.filter(value => (!namespace || value.namespace === namespace) && (!key || value.key === key))
  }

  put(instance: string, attribute: Attribute): Promise<void> {
    return this.#collection.put({ instance, values: [...this.#others(instance, attribute), attribute] })
  }

  remove(instance: string, attribute: Omit<Attribute, 'value'>): Promise<void> {
    return this.#collection.put({ instance, values: this.#others(instance, attribute) })
  }

  delete(instance: string): Promise<void> {
    return this.#collection.delete(instance)
  }

  #others(instance: string, { namespace, key }: Omit<Attribute, 'value'>): Attribute[] {
    return this.query(instance).filter(other => other.namespace !== namespace || other.key !== key)
  }
}
