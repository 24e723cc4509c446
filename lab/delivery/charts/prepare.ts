import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'

const here = fileURLToPath(new URL('.', import.meta.url))

/**
 * Creates the charts that the lab's 01-k8s installs, each in a folder below `target`: argo-cd, argocd-image-updater,
 * external-secrets. Replaces existing ones atomically. README.md beside this file lists the changes to the originals, with
 * reasons.
 * @param moduleDirectory returns the folder of a Go module's sources, which is read-only
 */
export async function prepareCharts(target: string, moduleDirectory: (module: string) => Promise<string>): Promise<void> {
  const [argoCd, externalSecrets] = await Promise.all([
    moduleDirectory('github.com/argoproj/argo-cd/v3'),
    moduleDirectory('github.com/external-secrets/external-secrets'),
  ])
  const staging = `${target}.new`
  await rm(staging, { recursive: true, force: true })
  await Promise.all([
    prepareArgoCd(join(staging, 'argo-cd'), argoCd),
    copyFiles(join(here, 'argocd-image-updater'), join(staging, 'argocd-image-updater')),
    prepareExternalSecrets(join(staging, 'external-secrets'), externalSecrets),
  ])
  await rm(target, { recursive: true, force: true })
  await rename(staging, target)
}

async function prepareArgoCd(chart: string, sources: string): Promise<void> {
  await copyFiles(join(here, 'argo-cd'), chart)
  const { definitions, rest } = splitManifests(await readFile(join(sources, 'manifests/install.yaml'), 'utf8'))
  await write(join(chart, 'crds/crds.yaml'), definitions)
  await write(join(chart, 'files/install.yaml'), rest)
}

async function prepareExternalSecrets(chart: string, sources: string): Promise<void> {
  // A release's Secret holds the whole chart, and its size is limited: no room for test snapshots.
  await copyFiles(join(sources, 'deploy/charts/external-secrets'), chart, ['tests', 'ci', 'Chart.lock'])
  const metadata = join(chart, 'Chart.yaml')
  const { dependencies: _, ...rest } = parse(await readFile(metadata, 'utf8'))
  await write(metadata, stringify(rest))
  await write(join(chart, 'crds/crds.yaml'), await readFile(join(sources, 'deploy/crds/bundle.yaml'), 'utf8'))
}

/**
 * Splits a file of manifests into its custom resource definitions and the rest, without the Secret that the chart fills itself.
 * It works on text, unparsed: the definitions alone are more than a megabyte of YAML.
 */
export function splitManifests(manifests: string): {
  definitions: string
  rest: string
} {
  const documents = manifests.split(/^---\n/m).filter(document => document.trim() !== '')
  const isDefinition = (document: string) => /^kind: CustomResourceDefinition$/m.test(document)
  const isOwnSecret = (document: string) => /^kind: Secret$/m.test(document) && /^ {2}name: argocd-secret$/m.test(document)
  return {
    definitions: documents.filter(isDefinition).join('---\n'),
    rest: documents.filter(document => !isDefinition(document) && !isOwnSecret(document)).join('---\n'),
  }
}

/** Copies contents but not permissions: files in the module cache are read-only. */
async function copyFiles(from: string, to: string, except: string[] = []): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (except.includes(entry.name)) continue
    if (entry.isDirectory()) await copyFiles(join(from, entry.name), join(to, entry.name))
    else await write(join(to, entry.name), await readFile(join(from, entry.name)))
  }
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
