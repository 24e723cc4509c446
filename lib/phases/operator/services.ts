import { broken, doubtful, type Finding, noted } from '../../model/health/finding.ts'
import { vmFinding } from '../../model/health/reach.ts'
import { type ServiceCheck, type ServiceContext, services } from '../../operation/services.ts'
import { vmOf } from '../../operation/vm-status.ts'
import { attempt } from '../../runtime/attempt.ts'
import { asOpsError, exitCodes } from '../../runtime/errors.ts'
import { openDelivery } from '../image/delivery.ts'

/** How long a service may take to answer. In milliseconds. */
const WITHIN_MS = 9000

/** No workflow runs for this commit: the question is whether GitHub answers. */
const NO_COMMIT = '0'.repeat(40)

const delivering: ServiceCheck[] = [
  {
    rule: 'service/git',
    service: "the application's repository",
    reach: async context => (await openDelivery(context).repository()).head(),
  },
  {
    rule: 'service/github',
    service: 'GitHub',
    async reach(context) {
      const { github, settings } = openDelivery(context)
      return (await github()).runs(settings.repository, NO_COMMIT, context.signal)
    },
  },
  {
    rule: 'service/registry',
    service: 'registry',
    reach(context) {
      const { registry, settings } = openDelivery(context)
      const images = Object.values(settings.services).map(({ image }) => image)
      return Promise.all(images.slice(0, 1).map(image => registry().image(image, 'latest', context.signal)))
    },
  },
]

/** The services that this environment needs. */
export const serviceChecks = ({ environment }: Pick<ServiceContext, 'environment'>): ServiceCheck[] => [
  ...Object.values(services),
  ...(environment.delivery ? delivering : []),
]

/**
 * Asks a service, and says how long it took. What is not there yet, as before the first `up`, is no error.
 * @param within milliseconds
 */
export async function asked(
  { rule, service, reach, onVm = false }: ServiceCheck,
  context: ServiceContext,
  within: number = WITHIN_MS,
): Promise<Finding> {
  const started = performance.now()
  // Asked at the same time: whoever has waited for a silent service has no time left.
  const vm = onVm ? ofVm(context, within) : undefined
  try {
    await attempt({
      service,
      what: 'doctor',
      hint: 'check the network; `./taskw status` shows the VM, `./taskw lab:status` the lab',
      repeatable: false,
      signal: context.signal,
      deadlines: { each: within, whole: within },
      call: () => reach(context),
    })
    return noted(rule, service, `answers in ${Math.round(performance.now() - started)} ms`)
  } catch (thrown) {
    const { code, message, hint } = asOpsError(thrown)
    if (code === exitCodes.interrupted) throw thrown
    const itself = await vm
    // Off by its schedule is as it should be.
    if (itself?.rule === 'vm/off')
      return noted(rule, service, saidOf(itself), { ...(itself.remedy && { remedy: itself.remedy }) })
    if (itself) return { ...itself, rule, object: service, message: saidOf(itself) }
    const took = `${message} (after ${Math.round(performance.now() - started)} ms)`
    if (code !== exitCodes.precondition) return broken(rule, service, took, { remedy: hint })
    // Only an image's way needs a token or a role of its own; the others are not there before the first `up`.
    const told = delivering.some(check => check.rule === rule) ? doubtful : noted
    return told(rule, service, message, { remedy: hint })
  }
}

/** What is wrong with the VM itself. Undefined when it runs, or when nothing says so in time. @param within milliseconds */
const ofVm = (context: ServiceContext, within: number): Promise<Finding | undefined> =>
  attempt({
    service: 'Compute Engine',
    what: 'doctor',
    hint: '',
    repeatable: false,
    signal: context.signal,
    deadlines: { each: within, whole: within },
    call: async () => vmFinding({ error: '', vm: await vmOf(context), layer: context.baseLayer }),
  }).catch(() => undefined)

const saidOf = ({ object, message }: Finding): string => `${object} ${message}`
