/** Holds a tunnel, as a run does, until it is killed: `tunnel-user.ts PORT RELAY INSTANCE`. It says so when it is open. */
import { openTunnel } from '../../../lib/google/tunnel.ts'

const [port, relay = '', instance = ''] = process.argv.slice(2)
// A run that is interrupted still has its current step to end.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined)
const leadsTo = { relay, project: 'p', zone: 'z', instance, port: 6443 }
const { own } = await openTunnel(Number(port), { leadsTo, token: async () => 'a-token' })
process.stdout.write(`${own}\n`)
