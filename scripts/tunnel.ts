#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { once } from 'node:events'
import { Argument, Option } from 'commander'
import { environmentScript } from '../lib/command-line/environment.ts'
import { valued } from '../lib/command-line/values.ts'
import type { Context } from '../lib/operation/context.ts'
import type { OpenedService } from '../lib/operation/forwards.ts'
import { precondition, usage } from '../lib/runtime/errors.ts'
import type { Json } from '../lib/runtime/json.ts'
import type { Outcome } from '../lib/runtime/script.ts'
import { table } from '../lib/runtime/table.ts'

interface TunnelOptions {
  detach?: boolean
  status?: boolean
  stop?: boolean
  /** This is the process that `--detach` has started. */
  detached?: boolean
}

export default environmentScript<TunnelOptions>({
  name: 'tunnel',
  summary: 'Open the Kubernetes API, and services of access.services by name, on local ports: until Ctrl-C, or with --detach.',

  define: command =>
    command
      .addArgument(
        valued('opened service', new Argument('[service...]', 'services to open as well; --status lists those that there are')),
      )
      .option('--detach', 'keep them open in the background')
      .option('--status', 'say what is open')
      .option('--stop', 'end what runs in the background')
      .addOption(new Option('--detached').hideHelp()),

  async run(context, { args, options: { detach, status, stop, detached = false } }) {
    const { chosenServices } = await import('../lib/operation/forwards.ts')

    if ([detach, status, stop].filter(Boolean).length > 1)
      throw usage('--detach, --status and --stop exclude each other', 'give one of them')
    const services = chosenServices(args, context.environment)
    if ((status || stop) && args.length > 0)
      throw usage(`--${status ? 'status' : 'stop'} is about all services`, 'leave the names out')
    if (status) return statusOf(context)
    if (stop) return stopped(context)
    return detach ? inBackground(services, context) : held(services, context, detached)
  },
})

/** Keeps everything open until it is interrupted. */
async function held(asked: OpenedService[], context: Context, detached: boolean): Promise<Outcome> {
  const { API_PORT } = await import('../lib/model/ports.ts')
  const { urlOf } = await import('../lib/model/access/forward.ts')
  const { openForwards, serviceLine } = await import('../lib/operation/forwards.ts')
  const { published } = await import('../lib/operation/open-tunnels.ts')
  const { holderText, portHolder } = await import('../lib/runtime/port-holder.ts')

  const { environment, output, baseLayer, dial, log, signal } = context
  // Fail here with a reason, rather than at the first connection.
  ;(await dial(API_PORT)).destroy()
  const { port, own } = await context.tunnel()
  const name = await output(baseLayer, 'kube_context')
  const services = await withoutOpen(asked, context)
  const document = { port, own, services: services.map(service => ({ name: service.name, url: urlOf(service) })) }
  if (!own) {
    const text = `Port ${port} of 127.0.0.1 is in use ${holderText(await portHolder(port))}; perhaps it is a tunnel.`
    if (detached && services.length === 0) throw precondition(text, 'use it as it is, or end it first')
    if (services.length === 0) return { document, text }
    log.warn(text)
  }
  const forwards = await openForwards(services, context)
  await using _record = await published({
    ...{ env: environment.name, detached, port, since: context.now().toISOString() },
    services: services.map(service => ({ name: service.name, localPort: service.localPort, url: urlOf(service) })),
  })
  log.info(`127.0.0.1:${port} reaches the Kubernetes API of ${name}. ${detached ? '--stop' : 'Ctrl-C'} ends it.`)
  for (const service of services) log.info(serviceLine(service))
  if (!signal.aborted) await once(signal, 'abort')
  await forwards.close()
  return { document }
}

async function inBackground(asked: OpenedService[], context: Context): Promise<Outcome> {
  const { openTunnels, startDetached } = await import('../lib/operation/open-tunnels.ts')
  const { serviceLine } = await import('../lib/operation/forwards.ts')

  const { environment, signal } = context
  const services = await withoutOpen(asked, context)
  const [running] = (await openTunnels(environment.name)).filter(({ detached }) => detached)
  const names = services.map(({ name }) => name)
  const tunnel = running && names.length === 0 ? running : await startDetached(environment.name, names, signal)
  const { pid } = tunnel.process
  return {
    document: { pid, port: tunnel.port, services: tunnel.services as unknown as Json },
    text: [
      `127.0.0.1:${tunnel.port} reaches the Kubernetes API; process ${pid} keeps it open: \`./taskw tunnel -- --stop\` ends it.`,
      ...services.map(serviceLine),
    ].join('\n'),
  }
}

/** Of the services those that no other process has opened already; of the others it says so. */
async function withoutOpen(services: OpenedService[], { environment, log }: Context): Promise<OpenedService[]> {
  const { openTunnels } = await import('../lib/operation/open-tunnels.ts')
  const open = (await openTunnels(environment.name)).flatMap(({ process: { pid }, services }) =>
    services.map(service => ({ pid, ...service })),
  )
  return services.filter(({ name, localPort }) => {
    const found = open.find(service => service.name === name && service.localPort === localPort)
    if (found) log.info(`${name}  ${found.url} is open already, by process ${found.pid}`)
    return !found
  })
}

async function statusOf({ environment }: Context): Promise<Outcome> {
  const { urlOf } = await import('../lib/model/access/forward.ts')
  const { openTunnels } = await import('../lib/operation/open-tunnels.ts')
  const { holderText, portHolder } = await import('../lib/runtime/port-holder.ts')

  const tunnels = await openTunnels(environment.name)
  const services = await Promise.all(
    Object.entries(environment.access.services).map(async ([name, service]) => {
      const { localPort, login } = service
      const by = tunnels.find(({ services }) => services.some(open => open.name === name && open.localPort === localPort))
      const holder = by ? undefined : await portHolder(localPort)
      const state = by ? `open, process ${by.process.pid}` : holder ? `port in use ${holderText(holder)}` : 'closed'
      return { name, url: urlOf(service), open: by !== undefined, state, ...(login !== undefined && { login }) }
    }),
  )
  const kubernetes = tunnels.map(({ port, process: { pid }, detached }) => ({ port, pid, detached }))
  return {
    document: { tunnels: kubernetes, services },
    text: [
      ...(kubernetes.length === 0 ? [`This checkout has no tunnel of ${environment.name} open.`] : []),
      ...kubernetes.map(
        ({ port, pid, detached }) =>
          `127.0.0.1:${port} reaches the Kubernetes API: process ${pid}, ${detached ? 'in the background' : 'in a terminal'}`,
      ),
      '',
      table(
        ['SERVICE', 'URL', 'STATE', 'LOGIN'],
        services.map(({ name, url, state, login = '' }) => [name, url, state, login]),
      ),
    ].join('\n'),
  }
}

async function stopped({ environment, signal }: Context): Promise<Outcome> {
  const { stopDetached } = await import('../lib/operation/open-tunnels.ts')
  const ended = await stopDetached(environment.name, signal)
  const pids = ended.map(({ process: { pid } }) => pid)
  return {
    document: { stopped: pids },
    text: pids.length === 0 ? 'Nothing runs in the background.' : `Ended: process ${pids.join(', ')}.`,
  }
}
