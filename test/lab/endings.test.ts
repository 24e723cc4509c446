import { suite } from 'uvu'
import { type Ended, tellEndings } from './support/endings.ts'

const story = suite<Ended>('a run that is ended, and the same again')
tellEndings(story, { seed: 'every run of CI', moments: 2 })
story.run()
