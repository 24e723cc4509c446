const SHA = 12
const LONGEST = 20

/** A commit as people read it. */
export const shortSha = (sha: string): string => sha.slice(0, SHA)

/** A digest, or another long value, in few characters; a short one as it is. */
export const shortened = (value: string): string => (value.length > LONGEST ? `${value.slice(0, SHA)}…` : value)
