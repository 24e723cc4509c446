import { configuredProgram } from '../config/load.ts'
import { parseKubeconfig } from '../model/k0s/kubeconfig.ts'
import { precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { inForeground } from '../runtime/foreground.ts'
import type { Context } from './context.ts'

/**
 * Runs kubectl on the cluster, whose API is open for as long as it takes.
 * @returns kubectl's exit code
 * @throws OpsError 4 without a kubeconfig, or without kubectl
 */
export async function runKubectl(
  args: readonly string[],
  { environment, tunnel, access, signal }: Pick<Context, 'environment' | 'tunnel' | 'access' | 'signal'>,
  toStderr = false,
): Promise<number> {
  await tunnel()
  const { kubeconfig, context } = await access()
  const text = await readNamed(kubeconfig)
  if (text === undefined) throw precondition(`there is no kubeconfig ${kubeconfig}`, '`./taskw kubeconfig`')
  return inForeground(configuredProgram(environment.access.kubectl), [...contextOption(text, context), ...args], {
    env: { KUBECONFIG: kubeconfig },
    hint: 'install it: https://kubernetes.io/docs/tasks/tools/; in the lab it may have to be built first: `./taskw lab:tools`',
    ...{ signal, toStderr },
  })
}

/** Only where it is needed: kubectl finds no plugin behind an option. */
export function contextOption(kubeconfig: string, context: string): string[] {
  return parseKubeconfig(kubeconfig)['current-context'] === context ? [] : [`--context=${context}`]
}
