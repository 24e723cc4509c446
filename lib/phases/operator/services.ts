import { broken, doubtful, type Finding, noted } from '../../model/health/finding.ts'
import { type ServiceCheck, type ServiceContext, services } from '../../operation/services.ts'
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
  { rule, service, reach }: ServiceCheck,
  context: ServiceContext,
  within: number = WITHIN_MS,
): Promise<Finding> {
  const started = performance.now()
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
    const took = `${message} (after ${Math.round(performance.now() - started)} ms)`
    if (code !== exitCodes.precondition) return broken(rule, service, took, { remedy: hint })
    // Only an image's way needs a token or a role of its own; the others are not there before the first `up`.
    const told = delivering.some(check => check.rule === rule) ? doubtful : noted
    return told(rule, service, message, { remedy: hint })
  }
}
