/**
 * The part of HAProxy's PROXY protocol, version 2, that the lab's forwarders use: TCP over IPv4, with the network namespace.
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** Version 2 and the command PROXY; then IPv4 and stream. */
const PROXY = 0x21
const TCP4 = 0x11
const PP2_TYPE_NETNS = 0x30
/** Signature, command, family, length of what follows. */
const HEAD = 16
/** Two addresses and two ports. */
const ADDRESSES = 12

/** The other end of a connection. */
export interface Peer {
  /** Name of the network namespace that it came from. */
  namespace: string
  /** Its IPv4 address there. */
  address: string
}

export function proxyHeader({ namespace, address }: Peer): Buffer {
  const name = Buffer.from(namespace, 'ascii')
  const header = Buffer.alloc(HEAD + ADDRESSES + 3)
  SIGNATURE.copy(header)
  header[12] = PROXY
  header[13] = TCP4
  header.writeUInt16BE(ADDRESSES + 3 + name.length, 14)
  header.set(address.split('.').map(Number), HEAD)
  header[HEAD + ADDRESSES] = PP2_TYPE_NETNS
  header.writeUInt16BE(name.length, HEAD + ADDRESSES + 1)
  return Buffer.concat([header, name])
}

/**
 * @returns the peer and the header's length in bytes; undefined while the header is incomplete
 * @throws Error for anything but such a header
 */
export function parseProxyHeader(received: Buffer): { peer: Peer; length: number } | undefined {
  const start = received.subarray(0, SIGNATURE.length)
  if (!start.equals(SIGNATURE.subarray(0, start.length))) throw new Error('not the PROXY protocol, version 2')
  if (received.length < HEAD) return undefined
  if (received[12] !== PROXY || received[13] !== TCP4) throw new Error('not TCP over IPv4')
  const length = HEAD + received.readUInt16BE(14)
  if (received.length < length) return undefined
  const address = [...received.subarray(HEAD, HEAD + 4)].join('.')
  return { peer: { address, namespace: namespaceIn(received.subarray(HEAD + ADDRESSES, length)) }, length }
}

/** Finds the namespace in the extensions after the addresses, each of which consists of type, length and value. */
function namespaceIn(extensions: Buffer): string {
  for (let at = 0; at + 3 <= extensions.length; ) {
    const end = at + 3 + extensions.readUInt16BE(at + 1)
    if (extensions[at] === PP2_TYPE_NETNS) return extensions.toString('ascii', at + 3, end)
    at = end
  }
  throw new Error('the network namespace is missing')
}
