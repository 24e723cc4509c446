import { configuredPath } from '../../config/load.ts'
import { localArtifact } from '../../host/artifact.ts'
import type { PlanOptions } from '../../model/k0s/plan.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'
import { type K0sContext, pendingOr, survey } from './survey.ts'

/** On the VM, readable by root only. */
const BACKUPS = '/var/backups/k0s'
const MIB = 1024 ** 2

/** Installs the configured version of k0s, verified by its digest. An upgrade backs the cluster up first. */
export const k0sBinary = (options: PlanOptions = {}): Phase<K0sContext & Pick<Context, 'signal' | 'progress'>> => ({
  id: 'k0s/binary',
  title: 'k0s binary',

  async check(context) {
    const { facts, plan, wanted } = await survey(context, options)
    const { version = null, sha256 = null } = (plan.kept ? facts.k0s.binary : wanted) ?? {}
    const backup = plan.upgrade ? [`back up the cluster to ${BACKUPS} on the VM`] : []
    return pendingOr([...backup, ...plan.binary], { version, sha256 }, plan.kept?.binary)
  },

  async run(context) {
    const { environment, signal, progress } = context
    const { k0s, plan, wanted } = await survey(context, { ...options, fresh: true })
    const { file, url, sha256 } = environment.k0s.binary
    if (plan.binary.length === 0) return { version: wanted.version, sha256 }
    progress('verifying the binary')
    const local = await localArtifact({ file: file && configuredPath(file), url, sha256 }, signal)
    const backup = plan.upgrade ? await k0s.backUp(BACKUPS) : null
    await k0s.putBinary(local, sha256, (sent, total) => progress(`${mib(sent)} of ${mib(total)} MiB`))
    return { version: wanted.version, sha256, backup }
  },
})

const mib = (bytes: number): string => (bytes / MIB).toFixed(1)
