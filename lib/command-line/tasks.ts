import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { root } from '../runtime/files.ts'

/** A task that people call. */
export interface Task {
  name: string
  about: string
  /** The script that it runs, below `scripts/`; undefined where it runs something else. */
  script?: string
}

type Command = string | { cmd?: string }
interface Taskfile {
  includes?: Record<string, string | { taskfile: string; flatten?: boolean }>
  tasks?: Record<string, { desc?: string; internal?: boolean; cmd?: Command; cmds?: Command[] }>
}

const SCRIPT = /^\.\/scripts\/([\w/-]+\.ts)/

/** The tasks that `--list` shows, those of included files too, sorted by name. https://taskfile.dev/docs/reference/schema */
export function publicTasks(file = join(root, 'Taskfile.yml')): Task[] {
  const { includes = {}, tasks = {} } = parse(readFileSync(file, 'utf8')) as Taskfile
  const own = Object.entries(tasks).flatMap(([name, { desc, internal, cmd, cmds = [] }]): Task[] => {
    if (desc === undefined || internal) return []
    const texts = [cmd, ...cmds].map(command => (typeof command === 'string' ? command : (command?.cmd ?? '')))
    const script = texts.flatMap(text => SCRIPT.exec(text)?.[1] ?? [])[0]
    return [{ name, about: desc, ...(script !== undefined && { script }) }]
  })
  const included = Object.entries(includes).flatMap(([namespace, include]) => {
    const { taskfile, flatten = false } = typeof include === 'string' ? { taskfile: include } : include
    const below = publicTasks(join(dirname(file), taskfile))
    return flatten ? below : below.map(task => ({ ...task, name: `${namespace}:${task.name}` }))
  })
  return [...own, ...included].sort((a, b) => (a.name < b.name ? -1 : 1))
}
