import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { usage } from '../../lib/runtime/errors.ts'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { runs } from '../../lib/runtime/journal.ts'
import { endWith, outliveLog } from '../lifecycle/last-words.ts'
import { forgetResting, restingMachines } from '../lifecycle/resting.ts'
import { createHypervisor } from '../machine/hypervisor.ts'
import { socketPath } from '../machine/sockets.ts'
import { PRIVATE_UMASK } from '../state/private.ts'
import { readRecord } from '../state/stored.ts'
import { startGoogle } from './server.ts'

/** Runs the stand-in as a process: `node lab/google/main.ts --lab <folder>`, until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { lab: { type: 'string' } } })
  if (!values.lab) throw usage('--lab is missing', 'name the folder of the lab: --lab .lab')
  const lab = values.lab
  const record = join(lab, 'run', 'google.json')
  const google = await startGoogle({
    directory: join(lab, 'google'),
    token: (await readFile(join(lab, 'token'), 'utf8')).trim(),
    hypervisor: createHypervisor({ lab }),
    runs,
    metadataSocket: socketPath(join(lab, 'run'), 'metadata.sock'),
    // After a restart the server keeps its address, which clients may have stored.
    ...(await lastPorts(record)),
    resting: (await restingMachines(lab)).map(({ id }) => id),
    log: line => console.error(`${new Date().toISOString()} ${line}`),
  })
  await forgetResting(lab)
  await writeAtomically(record, JSON.stringify({ port: google.port, tlsPort: google.tlsPort, pid: process.pid }))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void google.close())
}

async function lastPorts(record: string): Promise<{ port: number; tlsPort: number }> {
  const { port = 0, tlsPort = 0 } = (await readRecord<{ port: number; tlsPort: number }>(record)) ?? {}
  return { port, tlsPort }
}

outliveLog()
process.umask(PRIVATE_UMASK)
main().catch(endWith)
