import { connect } from 'node:net'

/**
 * The ProxyCommand of `./taskw ssh`: `ssh-proxy.ts SOCKET` joins stdin and stdout to a connection that the script has to the VM. It has
 * no credentials.
 */
const [path = ''] = process.argv.slice(2)
const socket = connect({ path, allowHalfOpen: true })
socket.on('error', error => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
socket.on('close', () => process.exit())
process.stdout.on('error', () => process.exit())
process.stdin.pipe(socket)
socket.pipe(process.stdout)
