import { broken, doubtful, type Finding, noted } from '../../model/health/finding.ts'
import type { BootstrapPlan } from '../../model/k0s/plan.ts'
import type { Context } from '../../operation/context.ts'
import { attempt } from '../../runtime/attempt.ts'
import { asOpsError, exitCodes } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import { type K0sContext, unjudged } from './survey.ts'

/** How long the VM may take to answer those who only look. In milliseconds. */
const WITHIN_MS = 9000

type LookContext = K0sContext & Pick<Context, 'signal'>

const OBJECT = 'k0s'
const TAKING_OVER = '`./taskw bootstrap -- --take-over --dry-run` says what making it ours would change'

/** How the VM's k0s differs from what is configured, one finding each. What can't be read, as before the first `up`, is no error. */
export async function k0sFindings(context: LookContext, within: number = WITHIN_MS): Promise<Finding[]> {
  try {
    return findingsOf(await looked(context, within))
  } catch (thrown) {
    const { message } = unlessInterrupted(thrown)
    return [noted('k0s/unread', OBJECT, `could not be read: ${message}`)]
  }
}

function findingsOf({ facts, plan }: Awaited<ReturnType<typeof looked>>): Finding[] {
  const refused = plan.refusals.map(({ message, hint }) => broken('k0s/refused', OBJECT, message, { remedy: hint }))
  const differences = allOf(plan.kept)
  if (plan.kept) {
    const note = `was installed by somebody else, and is kept as it is: ${counted(differences)}`
    return [
      ...refused,
      noted('k0s/kept', OBJECT, note, { remedy: TAKING_OVER }),
      ...differences.map(message => noted('k0s/differs', OBJECT, message)),
    ]
  }
  const pending = [...allOf(plan), ...(plan.service.action === 'restart' ? plan.service.changes : [])]
  if (pending.length > 0)
    return [...refused, ...pending.map(change => doubtful('k0s/pending', OBJECT, change, { remedy: BOOTSTRAP }))]
  const { status, storage = 'no storage yet' } = facts.k0s
  return [...refused, noted('k0s/as-configured', OBJECT, `${status?.version ?? 'does not run'}, ${storage}, as configured`)]
}

const BOOTSTRAP = './taskw bootstrap'

/** k0s in a line, and as a document. */
export async function k0sSummary(context: LookContext, within: number = WITHIN_MS): Promise<{ text: string; document: Json }> {
  try {
    const { facts, plan } = await looked(context, within)
    const { binary, status, storage, active } = facts.k0s
    const differences = allOf(plan.kept)
    const version = status?.version ?? binary?.version
    const text = [
      version ?? 'not installed',
      ...(storage ? [storage === 'kine' ? 'SQLite through kine' : storage] : []),
      ...(version !== undefined && !active ? ['not running'] : []),
      ...(plan.kept ? [`installed by somebody else, kept as it is: ${counted(differences)} (\`./taskw doctor\`)`] : []),
    ].join(', ')
    const document = { version: version ?? null, storage: storage ?? null, active, kept: plan.kept !== undefined, differences }
    return { text, document }
  } catch (thrown) {
    const { message } = unlessInterrupted(thrown)
    return { text: `could not be read: ${message}`, document: { unread: message } }
  }
}

const looked = ({ environment, baseLayer, output, host, signal }: LookContext, within: number) =>
  attempt({
    service: 'k0s on the VM',
    what: 'comparison with what is configured',
    hint: '`./taskw ssh` shows whether the VM answers',
    repeatable: false,
    signal,
    deadlines: { each: within, whole: within },
    call: () => unjudged({ environment, baseLayer, output, host: () => host(within) }),
  })

const allOf = (parts?: Pick<BootstrapPlan, 'binary' | 'config' | 'unit'>): string[] =>
  parts ? [...parts.binary, ...parts.config, ...parts.unit] : []

const counted = ({ length }: string[]): string => `${length} difference${length === 1 ? '' : 's'}`

/** @throws OpsError 130: whoever interrupts wants no findings */
function unlessInterrupted(thrown: unknown) {
  const error = asOpsError(thrown)
  if (error.code === exitCodes.interrupted || error.code === exitCodes.bug) throw thrown
  return error
}
