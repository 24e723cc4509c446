/** Frames of IAP's relay protocol, version 4, as the Cloud SDK's client implements it: a tag of two bytes, then the fields. */

export const SUBPROTOCOL = 'relay.tunnel.cloudproxy.app'

/** The largest payload of a data frame, in bytes. */
export const LARGEST_DATA = 16_384

export const tags = { connectSuccess: 0x0001, reconnectSuccess: 0x0002, data: 0x0004, ack: 0x0007 } as const

/** The relay's close codes, which its clients know. */
export const closeCodes = {
  normal: 1000,
  sidUnknown: 4001,
  failedToConnect: 4003,
  badAck: 4005,
  invalidTag: 4008,
  readFailed: 4010,
  invalidData: 4013,
  lookupFailed: 4047,
} as const

export type Frame = { tag: 'data'; data: Buffer } | { tag: 'ack'; bytes: number } | { tag: 'unknown' } | { tag: 'malformed' }

/** A frame that a client sent. */
export function parseFrame(bytes: Buffer): Frame {
  if (bytes.length < 2) return { tag: 'malformed' }
  const tag = bytes.readUInt16BE(0)
  if (tag === tags.data) {
    if (bytes.length < 6) return { tag: 'malformed' }
    const length = bytes.readUInt32BE(2)
    if (length > LARGEST_DATA || bytes.length < 6 + length) return { tag: 'malformed' }
    return { tag: 'data', data: bytes.subarray(6, 6 + length) }
  }
  if (tag === tags.ack)
    return bytes.length < 10 ? { tag: 'malformed' } : { tag: 'ack', bytes: Number(bytes.readBigUInt64BE(2)) }
  return { tag: 'unknown' }
}

export const dataFrame = (data: Buffer): Buffer => sized(tags.data, data)

export const connectSuccessFrame = (sid: string): Buffer => sized(tags.connectSuccess, Buffer.from(sid))

export const ackFrame = (total: number): Buffer => counted(tags.ack, total)

export const reconnectSuccessFrame = (total: number): Buffer => counted(tags.reconnectSuccess, total)

function sized(tag: number, data: Buffer): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt16BE(tag)
  head.writeUInt32BE(data.length, 2)
  return Buffer.concat([head, data])
}

function counted(tag: number, total: number): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeUInt16BE(tag)
  bytes.writeBigUInt64BE(BigInt(total), 2)
  return bytes
}
