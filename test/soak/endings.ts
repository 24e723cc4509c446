import { suite } from 'uvu'
import { type Ended, tellEndings } from '../lab/support/endings.ts'

/** As test/lab/endings.test.ts, with more moments, and others each time unless SEED names those of an earlier run. */
const { SEED: seed = String(Date.now()), MOMENTS: moments = '20' } = process.env
process.stdout.write(`SEED=${seed} MOMENTS=${moments}\n`)
const story = suite<Ended>('a run that is ended, and the same again')
tellEndings(story, { seed, moments: Number(moments) })
story.run()
