#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { rm } from 'node:fs/promises'
import { type EnvironmentOptions, environmentOption, layerArgument } from '../lib/command-line/options.ts'
import { exitCodes } from '../lib/runtime/errors.ts'
import { script } from '../lib/runtime/script.ts'

/** Milliseconds without a word after which Terraform is given up: it downloads each provider four times. */
const SILENCE_MS = 600_000

interface Options extends EnvironmentOptions {
  dryRun?: boolean
  upgrade?: boolean
}

export default script<Options>({
  name: 'lock',
  summary: "Write the lock files of the layers' providers, with the hashes of every platform.",

  define: command =>
    command
      .addOption(environmentOption())
      .addArgument(layerArgument('[layers...]', 'e.g. 01-k8s; all of them if none is named'))
      .option('--dry-run', 'say which are missing or incomplete, change nothing; exit code 8 when any is')
      .option('--upgrade', 'choose the newest versions that the layers allow'),

  async run({ options: { env, dryRun = false, upgrade = false }, args, log, signal }) {
    const { layerRoot } = await import('../lib/config/layer-root.ts')
    const { configuredPath, configuredProgram, hasOwnProviders, loadEnvironment } = await import('../lib/config/load.ts')
    const { planFolder } = await import('../lib/operation/plans.ts')
    const { chosenLayers } = await import('../lib/phases/layer/choice.ts')
    const { createCommand } = await import('../lib/terraform/command.ts')
    const { lockFileFaults, writeLockFile } = await import('../lib/terraform/lock-file.ts')

    const environment = await loadEnvironment(env)
    const { layers, directory, root: template, program, cliConfig } = environment.terraform
    const chosen = chosenLayers(args, { terraform: { layers } })
    if (hasOwnProviders(environment))
      return { document: { env, layers: [] }, text: `Nothing to lock: ${env}'s providers are built on this machine.` }

    const scratch = planFolder(env)
    const variables = async (): Promise<Record<string, string>> =>
      cliConfig === undefined ? {} : { TF_CLI_CONFIG_FILE: configuredPath(cliConfig) }
    const command = createCommand({ program: configuredProgram(program), variables, signal, silence: SILENCE_MS, scratch })
    const results = []
    try {
      for (const layer of chosen) {
        const root = layerRoot(layer, { directory: configuredPath(directory), root: template, env })
        if (!dryRun) {
          log.info(`${layer}: asking the registries`)
          await writeLockFile(command, root, { upgrade })
        }
        results.push({ layer, faults: await lockFileFaults(root) })
      }
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
    const faulty = results.filter(({ faults }) => faults.length > 0)
    return {
      exitCode: faulty.length > 0 ? exitCodes.changes : exitCodes.ok,
      document: { env, layers: results },
      text: [
        ...results.map(({ layer, faults }) => `${layer}: ${faults.join('; ') || 'complete'}`),
        ...(faulty.length > 0 ? [`To make them: ./taskw lock ENV=${env}, and commit them.`] : []),
      ].join('\n'),
    }
  },
})
