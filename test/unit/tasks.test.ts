import { accessSync, constants, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { root } from '../../lib/runtime/files.ts'

type Command = string | { cmd?: string; task?: string }
interface Taskfile {
  silent?: boolean
  tasks: Record<string, { cmd?: Command; cmds?: Command[] }>
}

const files = ['Taskfile.yml', ...readdirSync(join(root, 'tasks')).map(name => join('tasks', name))]
const taskfiles = files.map((file): [string, Taskfile] => [file, parse(readFileSync(join(root, file), 'utf8'))])

const commands = taskfiles.flatMap(([file, { tasks }]) =>
  Object.entries(tasks).flatMap(([task, { cmd, cmds = [] }]) =>
    [cmd, ...cmds]
      .map(command => (typeof command === 'string' ? command : (command?.cmd ?? '')))
      .filter(Boolean)
      .map(text => ({ name: `${file} ${task}: ${text}`, text })),
  ),
)
const called = commands.flatMap(({ text }) =>
  [...text.matchAll(/\.\/(scripts\/[\w/-]+\.ts)/g)].map(([, script = '']) => script),
)

const tasks = suite('tasks')

for (const { name, text } of commands) {
  tasks(`${name}: it finds the right Node by itself`, () => {
    assert.not.match(text.replaceAll('./taskw node ', ''), /(^|[^\w./-])(node|npx|npm)\s/)
  })
}

tasks('each calls a script that can be run, and each script has a task', () => {
  for (const script of called) accessSync(join(root, script), constants.X_OK)
  const there = readdirSync(join(root, 'scripts'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join('scripts', name))
  assert.equal([...new Set(called)].sort(), there.sort())
})

tasks('commands are not echoed', () => {
  // The root's setting holds for the included files too.
  assert.is(taskfiles[0]?.[1].silent, true)
})

tasks.run()
