import { createServer, type Server, type Socket } from 'node:net'

/** Passes on what each of two connections says, and its end. One that fails takes the other along. */
export function join(one: Socket, other: Socket): void {
  one.pipe(other)
  other.pipe(one)
  one.on('error', () => other.destroy()).on('close', () => other.destroySoon())
  other.on('error', () => one.destroy()).on('close', () => one.destroySoon())
}

/** A server that joins each of its clients with the connection that `open` makes for it; without one it hangs up. */
export const createForwarder = (open: (client: Socket) => Socket | undefined): Server =>
  createServer({ allowHalfOpen: true }, client => {
    const far = open(client)
    if (far) join(client, far)
    else client.destroy()
  })
