/** IPv4 arithmetic on unsigned 32-bit numbers. */

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.')
}

export interface Range {
  first: number
  last: number
}

const CIDR = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/

/** First and last address of a CIDR range, or undefined for anything else. */
export function parseRange(cidr: string): Range | undefined {
  const match = CIDR.exec(cidr)
  if (!match) return undefined
  const [, ...parts] = match.map(Number)
  const prefix = parts.pop() ?? 0
  if (prefix > 32 || parts.some(part => part > 255)) return undefined
  const size = 2 ** (32 - prefix)
  const base = toNumber(parts.join('.'))
  const first = base - (base % size)
  return { first, last: first + size - 1 }
}

export const overlap = (left: Range, right: Range): boolean => left.first <= right.last && right.first <= left.last

export const within = (range: Range, address: string): boolean => {
  const value = toNumber(address)
  return range.first <= value && value <= range.last
}

/** Google reserves the first two addresses of a subnet (network, gateway) and its last two. */
const RESERVED_AT_START = 2
const RESERVED_AT_END = 2

/** The lowest free address, or undefined when there is none. */
export function freeAddress({ first, last }: Range, used: ReadonlySet<string>): string | undefined {
  for (let value = first + RESERVED_AT_START; value <= last - RESERVED_AT_END; value++) {
    const address = toAddress(value)
    if (!used.has(address)) return address
  }
  return undefined
}
