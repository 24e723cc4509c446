import { configuredProgram } from '../config/load.ts'
import { parseKubeconfig } from '../model/k0s/kubeconfig.ts'
import { precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { inForeground } from '../runtime/foreground.ts'
import type { Context } from './context.ts'
import { standstill } from './vm-status.ts'

/**
 * Runs kubectl on the cluster, whose API is open for as long as it takes.
 * @returns kubectl's exit code
 * @throws OpsError 4 without a kubeconfig, or without kubectl
 */
export async function runKubectl(
  args: readonly string[],
  asked: Pick<Context, 'environment' | 'tunnel' | 'access' | 'signal' | 'compute' | 'output' | 'baseLayer' | 'now' | 'log'>,
  toStderr = false,
): Promise<number> {
  const { environment, tunnel, access, signal, log } = asked
  await tunnel()
  const { kubeconfig, context } = await access()
  const text = await readNamed(kubeconfig)
  if (text === undefined) throw precondition(`there is no kubeconfig ${kubeconfig}`, '`./taskw kubeconfig`')
  const exitCode = await inForeground(
    configuredProgram(environment.access.kubectl),
    [...contextOption(text, context), ...args],
    {
      env: { KUBECONFIG: kubeconfig },
      hint: 'install it: https://kubernetes.io/docs/tasks/tools/; in the lab it may have to be built first: `./taskw lab:tools`',
      ...{ signal, toStderr },
    },
  )
  // kubectl knows no VM.
  const why = exitCode === 0 || signal.aborted ? undefined : await standstill(asked)
  if (why) log.error(`${why.message}: ${why.hint}`)
  return exitCode
}

/** Only where it is needed: kubectl finds no plugin behind an option. */
export function contextOption(kubeconfig: string, context: string): string[] {
  return parseKubeconfig(kubeconfig)['current-context'] === context ? [] : [`--context=${context}`]
}
