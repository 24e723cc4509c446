/** What a saved plan was made for, or what is there now. */
export interface Binding {
  layer: string
  /** Name of the environment. */
  env: string
  /** Commit of the checkout. */
  gitSha: string
  /** Of the layer's state; empty when there is none. */
  lineage: string
  serial: number
}

/** Why a plan must not be applied to what is there now, or undefined when it is what the plan was made for. */
export function mismatch(made: Binding, now: Binding): string | undefined {
  const { layer } = made
  if (layer !== now.layer) return `the plan is of layer ${layer}, not ${now.layer}`
  if (made.env !== now.env) return `the plan of ${layer} is for ${made.env}, not ${now.env}`
  if (made.gitSha !== now.gitSha) return `the plan of ${layer} was made at commit ${made.gitSha}, this is ${now.gitSha}`
  if (now.lineage === '') return `the state of ${layer} that was planned on is gone`
  if (made.lineage !== now.lineage) return `the state of ${layer} is another one than was planned on`
  if (made.serial !== now.serial)
    return `the state of ${layer} has changed since it was planned on: from serial ${made.serial} to ${now.serial}`
  return undefined
}
