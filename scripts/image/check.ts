#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { Option } from 'commander'
import { environmentScript } from '../../lib/command-line/environment.ts'
import { valued } from '../../lib/command-line/values.ts'
import { exitCodes, usage } from '../../lib/runtime/errors.ts'
import { readNamed } from '../../lib/runtime/files.ts'
import type { Json } from '../../lib/runtime/json.ts'

export default environmentScript<{ file?: string }>({
  name: 'image:check',
  summary: 'Say whether the workflow builds images that the nodes run and the Image Updater takes: 0 yes, 6 no.',

  define: command =>
    command.addOption(valued('file', new Option('--file <path>', "check this local workflow file instead of the branch's"))),

  async run(context, { options: { file } }) {
    const { configuredPath } = await import('../../lib/config/load.ts')
    const { verdictOf } = await import('../../lib/model/health/finding.ts')
    const { checkedWorkflow } = await import('../../lib/phases/image/workflow.ts')
    const { findingsText, stdoutChalk } = await import('../../lib/report/findings.ts')

    const text = file === undefined ? undefined : await readNamed(configuredPath(file))
    if (file !== undefined && text === undefined)
      throw usage(`there is no file ${file}`, 'relative paths start at the checkout')
    const findings = await checkedWorkflow(context, text)
    const verdict = verdictOf(findings)
    return {
      exitCode: verdict === 'healthy' ? exitCodes.ok : exitCodes.unhealthy,
      document: { verdict, findings: findings as unknown as Json },
      text: findingsText(findings, verdict, stdoutChalk()),
    }
  },
})
