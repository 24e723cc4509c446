import { creates, type PlannedResource } from './planned.ts'
import { realName } from './real-name.ts'

/** An apply is about to create this. Written before the apply. */
export interface Intent {
  layer: string
  address: string
  type: string
  /** What the object is to be called where it lives; '' where that is known only after the apply. */
  name: string
  /** The process that intended it: its journal's id and when it began. */
  run: string
  /** ISO 8601. */
  at: string
}

/**
 * What a layer's state held when an apply or a destroy had ended, well or not. Written only where Terraform ended by itself and
 * stored its state: that there is none after an intent is what tells a killed run.
 */
export interface StateRecord {
  layer: string
  run: string
  /** ISO 8601. */
  at: string
  /** All managed instances that are finished, and what each is called where it lives; '' where that is not known. */
  objects: { address: string; name: string }[]
}

/** What the apply of a plan would create, replacements included. */
export const intentsOf = (
  layer: string,
  planned: readonly PlannedResource[],
  { run, at }: Pick<Intent, 'run' | 'at'>,
): Intent[] =>
  planned
    .filter(creates)
    .map(({ address, type, after }) => ({ layer, address, type, name: realName(type, after) ?? '', run, at }))

/** An object that an apply found there already. */
export type Found = Pick<Intent, 'layer' | 'address' | 'name'>

/**
 * Whether an object that exists already is ours to take into the state: an earlier apply of this environment had begun to make
 * it under this address and this name, and was killed, and no record since then says that the layer held it, which would mean
 * that it had been finished and has gone another way since. What the layer holds under that address by another name is what the
 * killed run was to replace.
 * @param began ISO 8601, when this process began: what it intended itself proves nothing
 */
export const isOurs = (
  found: Found,
  { intents, records, began }: { intents: readonly Intent[]; records: readonly StateRecord[]; began: string },
): boolean =>
  found.name !== '' && intents.some(intent => isSame(intent, found) && isBefore(intent.at, began) && isOpen(intent, records))

/**
 * Whether an object in the state is one that an earlier apply of this environment had begun to make and nobody has finished since: it
 * holds nothing yet, so that Terraform may replace it. It may have been nameless when it was intended: `null_resource` has but an id.
 */
export const isUnfinished = (
  object: Found,
  { intents, records, began }: { intents: readonly Intent[]; records: readonly StateRecord[]; began: string },
): boolean => isUnrecorded(object, { intents: intents.filter(({ at }) => isBefore(at, began)), records })

/**
 * Whether an object is one that an apply of this environment had begun to make, and no record since then says that it was finished. Of an
 * object that the state holds whole, that record is missing: the run was killed after Terraform's last write, or somebody else finished it.
 */
export const isUnrecorded = (
  object: Found,
  { intents, records }: { intents: readonly Intent[]; records: readonly StateRecord[] },
): boolean =>
  intents.some(
    intent =>
      (isSame(intent, object) || isSame(intent, { ...object, name: '' })) &&
      !records.some(record => isLater(record, intent) && hasFinished(record, intent)),
  )

const isSame = (intent: Intent, { layer, address, name }: Found): boolean =>
  intent.layer === layer && intent.address === address && intent.name === name

const isOpen = (intent: Intent, records: readonly StateRecord[]): boolean =>
  !records.some(record => isLater(record, intent) && (record.run === intent.run || hasFinished(record, intent)))

/** Whether a record is of the intent's layer, and not from before it. */
const isLater = ({ layer, at }: StateRecord, intent: Intent): boolean => layer === intent.layer && !isBefore(at, intent.at)

/** What had no name when it was intended is known by its address alone. */
const hasFinished = ({ objects }: StateRecord, { address, name }: Intent): boolean =>
  objects.some(object => object.address === address && (name === '' || object.name === name))

const isBefore = (one: string, other: string): boolean => Date.parse(one) < Date.parse(other)
