import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stateObject } from '../model/layer/state.ts'
import { configuration, precondition } from '../runtime/errors.ts'
import { readIfExists } from '../runtime/files.ts'
import { type BackendFileOptions, backendFile } from './backend-file.ts'
import type { Command } from './command.ts'
import { RECORD } from './init.ts'
import { createMemory } from './memory.ts'
import { filesIn, isConfiguration, withScratch } from './scratch.ts'
import { emptyBucket, NO_CREDENTIALS, openBucketView } from './view.ts'

/** Where a layer keeps its state. */
export interface Backend {
  bucket: string
  /** Name of the state's object in it. */
  object: string
}

export interface BackendsOptions extends BackendFileOptions {
  command: Command
  /** Parent of the scratch folders. */
  scratch: string
  /** Whether the root was initialised with its present files. */
  isInitialised: (layer: string) => Promise<boolean>
}

/** Tells where a layer keeps its state, from what Terraform's `init` makes of it; asks nothing of the bucket, which may not exist yet. */
export function createBackends(options: BackendsOptions): (layer: string) => Promise<Backend> {
  const known = createMemory<Backend>()
  return layer => known.get(layer, () => backendOf(layer, options))
}

async function backendOf(layer: string, options: BackendsOptions): Promise<Backend> {
  const root = options.root(layer)
  const record = (await options.isInitialised(layer)) ? await readIfExists(join(root, RECORD)) : undefined
  const { type, config } = parse(record ?? (await initialisedApart(layer, options)))
  if (type !== 'gcs' || typeof config.bucket !== 'string' || config.bucket === '')
    throw configuration(
      `${root} keeps its state in a backend "${type}", not in a bucket`,
      'it needs `backend "gcs" {}` in its terraform block, and the bucket in the backend configuration',
    )
  return { bucket: config.bucket, object: stateObject(typeof config.prefix === 'string' ? config.prefix : '') }
}

/** The record of an `init` that goes no further than the backend: without modules, without providers, before a bucket that is empty. */
async function initialisedApart(layer: string, options: BackendsOptions): Promise<string> {
  const { command, root, scratch } = options
  const file = await backendFile(layer, options)
  const files = (await filesIn(root(layer))).filter(isConfiguration)
  const view = await openBucketView(emptyBucket)
  try {
    return await withScratch(scratch, { from: root(layer), files }, async folder => {
      const noProviders = join(folder, '.providers')
      await mkdir(noProviders)
      const flags = [
        ...['init', '-no-color', '-get=false', `-plugin-dir=${noProviders}`],
        ...[...(file ? [`-backend-config=${file}`] : []), `-backend-config=storage_custom_endpoint=${view.endpoint}`],
      ]
      const ended = await command.run(folder, flags, { env: NO_CREDENTIALS })
      const record = await readIfExists(join(folder, RECORD))
      if (record !== undefined) return record
      const what = `the backend of ${root(layer)}`
      const stopped = command.stopped(what, ended)
      if (stopped) throw stopped
      const said = ended.stderr.trim()
      if (NO_BUCKET.test(said)) throw file ? unnamedIn(file, layer, options) : unnamed(layer, options)
      throw configuration(
        said ? `${what}: ${said}` : `${what}: it has none`,
        file ? `see ${file} and the root's terraform block` : "see the root's terraform block",
      )
    })
  } finally {
    await view.close()
  }
}

/** What Terraform says where neither the root's block nor a file names the bucket; before ours there is each that has a name. */
const NO_BUCKET = /bucket doesn't exist|"bucket"/

const unnamed = (layer: string, { root, directory, backendConfig }: BackendsOptions) =>
  precondition(
    `nothing names the bucket of ${layer}: the backend configuration ${backendConfig} is missing, both in ${root(layer)} and in ${directory}, and the root's \`backend "gcs"\` block names none`,
    'write that file: bucket = "<the state bucket>"; or name the bucket in the block; or correct `terraform.backendConfig`',
  )

const unnamedIn = (file: string, layer: string, { root }: BackendsOptions) =>
  configuration(
    `nothing names the bucket of ${layer}: neither ${file} nor the \`backend "gcs"\` block of ${root(layer)}`,
    'write it in that file: bucket = "<the state bucket>"',
  )

function parse(record: string): { type: string; config: Record<string, unknown> } {
  const { backend } = JSON.parse(record) as { backend?: { type?: string; config?: Record<string, unknown> } }
  return { type: backend?.type ?? 'local', config: backend?.config ?? {} }
}
