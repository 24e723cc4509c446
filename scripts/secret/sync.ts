#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/command-line/verb.ts'

export default verb({
  name: 'secret:sync',
  summary: 'Have ExternalSecrets synced now, restart what reads a Secret that has changed, and prove that all is healthy.',

  define: command => command.argument('[name...]', 'ExternalSecrets, as NAME or NAMESPACE/NAME; all of them by default'),

  async work(context, { args }) {
    const { verified } = await import('../../lib/phases/health/verified.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')
    const { readersRestarted } = await import('../../lib/phases/secret/restarted.ts')
    const { Sync } = await import('../../lib/phases/secret/sync.ts')
    const { secretsSynced } = await import('../../lib/phases/secret/synced.ts')

    const sync = new Sync(args)
    return {
      agree: () => context.consent({ question: 'Sync the secrets, and restart what reads those that change', destroys: false }),
      phases: [
        doctor(),
        secretsSynced(sync),
        readersRestarted(sync),
        verified({ within: context.environment.verify.deadline }),
      ],
      document: () => ({ changedSecrets: sync.changed ? [...sync.changed] : [] }),
    }
  },
})
