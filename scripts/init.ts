#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { InvalidArgumentError, Option } from 'commander'
import { valued } from '../lib/command-line/values.ts'
import type { DraftOptions } from '../lib/operation/draft.ts'
import { exitCodes } from '../lib/runtime/errors.ts'
import { script } from '../lib/runtime/script.ts'

export default script<DraftOptions & { dryRun?: boolean }>({
  name: 'init',
  summary: "Write the first draft of an environment's file for a system that exists: its Terraform tree, and what runs.",

  define: command =>
    command
      .addOption(new Option('--env <name>', "the new environment's name").env('ENV').makeOptionMandatory())
      .addOption(
        valued(
          'file',
          new Option(
            '--from <folder>',
            "the folder of the tree's layers, relative to this checkout or absolute",
          ).makeOptionMandatory(),
        ),
      )
      .option('--root <folder>', 'where the roots are below the layers, such as envs/{env}, where that is not clear')
      .option(
        '--set <key=value>',
        'a line of the file that is known, such as access.ssh.user=ops (repeatable)',
        (text: string, before: [string, string][]) => [...before, keyAndValue(text)],
        [],
      )
      .option('--dry-run', 'print the draft and write nothing; exit code 8'),

  async run(run) {
    const { environmentNames } = await import('../lib/config/names.ts')
    const { draftText } = await import('../lib/model/draft/file.ts')
    const { drafted, draftPath } = await import('../lib/operation/draft.ts')
    const { precondition } = await import('../lib/runtime/errors.ts')
    const { writeAtomically } = await import('../lib/runtime/files.ts')

    const { env, dryRun = false } = run.options
    if (environmentNames().includes(env) && !dryRun)
      throw precondition(`environments/${env}.yaml exists, and is not overwritten`, 'name another (ENV=…), or move it away')
    const draft = await drafted(run)
    const text = draftText(draft, `Environment ${env}, as it was found. docs/environments.md describes every key.`)
    const missing = draft.gaps.map(({ path, why }) => ({ key: path.join('.'), why }))
    const document = { env, file: `environments/${env}.yaml`, missing, content: draft.content }
    if (dryRun) return { exitCode: exitCodes.changes, document, text }
    await writeAtomically(draftPath(env), text, 0o644)
    return {
      document,
      text: [
        `Wrote environments/${env}.yaml.`,
        ...missing.map(({ key, why }) => `  ! ${key}: ${why}`),
        `Next: read it, then \`./taskw doctor ENV=${env}\`, \`./taskw status ENV=${env}\`.`,
      ].join('\n'),
    }
  },
})

function keyAndValue(text: string): [string, string] {
  const [, key, value] = /^([\w-]+(?:\.[\w-]+)*)=(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) throw new InvalidArgumentError('It must look like access.ssh.user=ops.')
  return [key, value]
}
