import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { logArguments } from '../../../../lib/model/access/logs.ts'

const START = ['logs', '--namespace=threads', '--selector=app=nextjs,tier=web', '--prefix']
const logs = suite('logArguments')
for (const [more, expected] of [
  [[], ['--all-containers', '--max-log-requests=50', '--tail=100']],
  [['--follow'], ['--all-containers', '--max-log-requests=50', '--tail=100', '--follow']],
  [['--tail=5'], ['--all-containers', '--max-log-requests=50', '--tail=5']],
  [
    ['--tail', '5'],
    ['--all-containers', '--max-log-requests=50', '--tail', '5'],
  ],
  [['--since=1h'], ['--all-containers', '--max-log-requests=50', '--since=1h']],
  [
    ['-c', 'app'],
    ['--max-log-requests=50', '--tail=100', '-c', 'app'],
  ],
] as const) {
  logs(more.join(' ') || 'no options', () =>
    assert.equal(logArguments({ namespace: 'threads', labels: { app: 'nextjs', tier: 'web' }, more }), [...START, ...expected]),
  )
}
logs.run()
