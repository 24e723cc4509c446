/** Lines of each container, unless the options say how many, or since when. */
const TAIL = 100
/** By default kubectl follows no more than 5 containers at once. */
const AT_ONCE = 50

/** The arguments by which kubectl shows the logs of all containers of the pods with these labels. @param more options of `kubectl logs` */
export function logArguments({
  namespace,
  labels,
  more,
}: {
  namespace: string
  labels: Record<string, string>
  more: readonly string[]
}): string[] {
  const has = (...names: string[]) => more.some(arg => names.some(name => arg === name || arg.startsWith(`${name}=`)))
  return [
    'logs',
    `--namespace=${namespace}`,
    `--selector=${Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(',')}`,
    '--prefix',
    ...(has('--container', '-c') ? [] : ['--all-containers']),
    ...(has('--max-log-requests') ? [] : [`--max-log-requests=${AT_ONCE}`]),
    ...(has('--tail', '--since', '--since-time') ? [] : [`--tail=${TAIL}`]),
    ...more,
  ]
}
