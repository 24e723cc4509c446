import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findOnPath } from '../../../lab/tools/path.ts'
import { root } from '../../../lib/runtime/files.ts'

const script = (shell: string) => join(root, 'lib/command-line/shells', `taskw.${shell}`)
const taskw = join(root, 'taskw')
const elsewhere = mkdtempSync(join(tmpdir(), 'completion-'))
const { ENV: _, ...env } = process.env

/** What each shell makes of a line with the cursor at its end. */
const SHELLS: Record<string, (line: string) => { program: string[]; words(stdout: string): string[] }> = {
  // What readline does: words end at the characters of COMP_WORDBREAKS, and the last one is replaced.
  bash: line => ({
    program: [
      'bash',
      '--norc',
      '-c',
      `source "$1"; set -- "$2"; COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
      COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=("\${1%% *}")
      complete -p taskw >/dev/null && _taskw && printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      script('bash'),
      line,
    ],
    words: stdout => stdout.split('\n').filter(Boolean),
  }),
  fish: line => ({
    program: ['fish', '--no-config', '-c', 'source $argv[1]; complete --do-complete=$argv[2]', script('fish'), line],
    words: stdout => stdout.split('\n').flatMap(text => text.split('\t')[0] || []),
  }),
  // The functions that completion ends in say what they were given.
  zsh: line => ({
    program: [
      'zsh',
      '-fc',
      `compdef() { :; }; _files() { print :files; }; _describe() { print -rl -- \${(P)\${@[-1]}}; }
      source $1; words=(\${(z)2}); [[ $2 == *' ' ]] && words+=(''); CURRENT=$#words PREFIX=$words[-1]; _taskw`,
      'zsh',
      script('zsh'),
      line,
    ],
    words: stdout =>
      stdout.split('\n').flatMap(text => text.replaceAll('\\:', '\0').split(':')[0]?.replaceAll('\0', ':') || []),
  }),
}

for (const [shell, run] of Object.entries(SHELLS)) {
  if (!findOnPath(shell)) continue
  const asked = suite(`taskw.${shell}`)
  const completed = (line: string) => {
    const { program, words } = run(line)
    const [name = '', ...args] = program
    const { stdout, stderr } = spawnSync(name, args, { encoding: 'utf8', cwd: elsewhere, env })
    assert.is(stderr, '')
    return words(stdout)
  }
  // Bash replaces only what follows the last colon or equals sign.
  const left = (prefix: string, words: string[]) => (shell === 'bash' ? words.map(word => word.slice(prefix.length)) : words)
  for (const [line, expected] of [
    ['snapshot:l', left('snapshot:', ['snapshot:list'])],
    ['layer:de', left('layer:', ['layer:destroy'])],
    ['ENV=pr', left('ENV=', ['ENV=prod'])],
    ['verify ENV=prod -- --fi', ['--fix']],
    ['tunnel -- argocd nex', ['nextjs']],
    ['layer:plan -- 01', ['01-k8s']],
    ['layer:plan -- --env=pr', left('--env=', ['--env=prod'])],
    ['dr-drill -- --scenario ', ['layer-rebuild']],
    ['nothing-like-it', []],
  ] as [string, string[]][])
    asked(`\`${line}\``, () => assert.equal(completed(`${taskw} ${line}`).sort(), expected.sort()))
  asked('what is no program completes nothing', () => assert.equal(completed('/nowhere/taskw ver'), []))
  asked('`./taskw completion` prints it', () => {
    const { stdout, status } = spawnSync(process.execPath, [join(root, 'scripts/completion.ts'), shell], { encoding: 'utf8' })
    assert.is(status, 0)
    assert.match(stdout, '_taskw')
  })
  asked.run()
}

const files = suite('taskw.bash completes paths')
files('in the folder that one is in', () => {
  const { program, words } = (SHELLS.bash as (typeof SHELLS)[string])(`${taskw} image:check -- --file pack`)
  const { stdout } = spawnSync(program[0] ?? '', program.slice(1), { encoding: 'utf8', cwd: root, env })
  assert.equal(words(stdout).sort(), ['package-lock.json', 'package.json'])
})
files.run()

const refused = suite('./taskw completion')
for (const args of [[], ['ksh'], ['bash', 'zsh']])
  refused(`${args.join(' ') || 'without a shell'} is exit code 2`, () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/completion.ts'), ...args], { encoding: 'utf8' })
    assert.is(status, 2, stderr)
    assert.match(stderr, 'one of: bash, fish, zsh')
  })
refused.after(() => rmSync(elsewhere, { recursive: true }))
refused.run()
