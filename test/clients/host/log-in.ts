/** Logs in as `./taskw ssh` does, on a server of this machine: `log-in.ts PORT USER IDENTITY-FILE HOST-KEY [ARGUMENT...]`. */
import { connect } from 'node:net'
import type { Context } from '../../../lib/operation/context.ts'
import { logIn } from '../../../lib/operation/login.ts'

const [port, user, identityFile, hostKey, ...more] = process.argv.slice(2)
const context = {
  environment: { access: { ssh: { user, identityFile } } },
  baseLayer: '00-vpc',
  output: async () => 'threads-test-vm',
  compute: async () => ({
    login: async () => ({ id: '1', instance: { 'enable-guest-attributes': 'TRUE' }, project: {} }),
    hostKeys: async () => [hostKey],
    vm: async () => undefined,
  }),
  dial: async () => connect(Number(port), '127.0.0.1'),
  signal: new AbortController().signal,
  log: { error: (text: string) => process.stderr.write(`${text}\n`) },
} as unknown as Context
process.exitCode = await logIn(more, context)
