/** At the end of the lines that Terraform or the toolkit writes; every other line is somebody else's. */
const MANAGED = ' managed-by=threads-ops'

/**
 * The VM's metadata entry `ssh-keys` with exactly the operators' keys among the managed lines. Lines of others stay, such as
 * those of `gcloud compute ssh`.
 * @param current the entry: lines of `<user>:<key>`
 * @param operators managed lines
 */
export function withOperatorKeys(current: string, operators: readonly string[]): string {
  const lines = current.split('\n').filter(line => line.trim() !== '')
  const kept = lines.filter(line => operators.includes(line) || !line.endsWith(MANAGED))
  return [...kept, ...operators.filter(line => !lines.includes(line))].join('\n')
}
