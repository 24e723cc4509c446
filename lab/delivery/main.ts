import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { identify } from '../../lib/runtime/processes.ts'
import { LOOPBACK, onlyFor } from '../http/hosts.ts'
import { endWith, outliveLog } from '../lifecycle/last-words.ts'
import { SERVICES } from '../machine/network.ts'
import { socketPath } from '../machine/sockets.ts'
import { PRIVATE_UMASK } from '../state/private.ts'
import { programPath } from '../tools/catalog.ts'
import { createActionsApi } from './actions/api.ts'
import { listenForPushes, notesOf } from './actions/pushes.ts'
import { Runner } from './actions/runner.ts'
import { Runs } from './actions/runs.ts'
import { createGitServer } from './git-server.ts'
import { outagesOf } from './outages.ts'
import { startRegistry } from './registry.ts'

/** Serves git, images and CI runs until SIGTERM: to this host on loopback ports, to the lab's networks through Unix sockets. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { lab: { type: 'string' } } })
  const lab = resolve(values.lab ?? '.lab')
  const run = join(lab, 'run')
  mkdirSync(run, { recursive: true })

  const token = (await readFile(join(lab, 'token'), 'utf8')).trim()
  const outages = outagesOf(lab)
  const servers = { repositories: join(lab, 'git'), token }
  const git = onlyFor(LOOPBACK, outages.guard(createGitServer(servers), 'git'))
  const registry = await startRegistry({ program: programPath('registry'), directory: join(lab, 'registry'), token })
  registry.backend.once('exit', () => {
    // Without the registry half of the service is missing: the next `lab:up` starts all of it again.
    process.exitCode = 1
    stop()
  })

  const runs = await Runs.open(join(lab, 'actions/runs'))
  const github = onlyFor(LOOPBACK, outages.guard(createActionsApi({ runs, token }), 'actions'))
  onlyFor(LOOPBACK, outages.guard(registry.server, 'registry'))
  // In a machine, which knows them by these names.
  const gitInside = onlyFor([...INSIDE, 'git.lab'], outages.guard(createGitServer(servers), 'git'))
  const registryInside = onlyFor([...INSIDE, 'registry.lab'], outages.guard(registry.reader, 'registry'))

  const gitPort = await listen(git)
  const registryPort = await listen(registry.server)
  const githubPort = await listen(github)
  const runner = new Runner({
    ...{ runs, repositories: join(lab, 'git'), registry: `http://127.0.0.1:${registryPort}`, token },
    say: line => process.stdout.write(`actions: ${line}\n`),
    isDown: () => outages.isDown('actions'),
  })
  runner.resume()
  const ignorePushes = await listenForPushes(notesOf(lab), push => runner.take(push))
  await open(run, 'git.sock', gitInside)
  await open(run, 'registry.sock', registryInside)
  const record = { ...identify(process.pid), gitPort, registryPort, githubPort }
  await writeAtomically(join(run, 'delivery.json'), `${JSON.stringify(record)}\n`)

  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  function stop(): void {
    ignorePushes()
    registry.backend.kill()
    for (const server of [git, registry.server, github, gitInside, registryInside]) {
      server.close()
      server.closeAllConnections()
    }
    rmSync(join(run, 'delivery.json'), { force: true })
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** What a machine may call the services of the lab, apart from their names. */
const INSIDE: readonly string[] = [SERVICES, 'localhost']

/** Listens on a Unix socket, in place of one that a crash has left. */
async function open(run: string, name: string, server: Server): Promise<void> {
  rmSync(join(run, name), { force: true })
  server.listen(socketPath(run, name))
  await once(server, 'listening')
}

outliveLog()
process.umask(PRIVATE_UMASK)
main().catch(endWith)
