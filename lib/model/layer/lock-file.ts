/** Where a layer's providers run: operators' machines and CI. As Terraform writes them. */
export const PLATFORMS = ['linux_amd64', 'linux_arm64', 'darwin_amd64', 'darwin_arm64']

const DEFAULT_HOST = 'registry.terraform.io'
const BUILT_IN = 'terraform.io/builtin/'

/** A provider as a lock file has it. https://developer.hashicorp.com/terraform/language/files/dependency-lock */
export interface LockedProvider {
  /** With its registry's host. */
  source: string
  version: string
  /** `h1:` of an unpacked package, `zh:` of an archive as the registry has signed it. */
  hashes: string[]
}

/** The providers of a lock file. */
export const lockedProviders = (text: string): LockedProvider[] =>
  [...text.matchAll(/^provider "([^"]+)" \{\n([\s\S]*?)^\}/gm)].map(([, source = '', body = '']) => ({
    source,
    version: /^\s*version\s*=\s*"([^"]*)"/m.exec(body)?.[1] ?? '',
    hashes: [...body.matchAll(/"((?:h1|zh):[^"]+)"/g)].map(([, hash = '']) => hash),
  }))

/** The addresses of the providers that the texts of a root's files require, with their registry's host. */
export function requiredProviders(files: readonly string[]): string[] {
  const blocks = files.flatMap(text => [...text.matchAll(/^( *)required_providers \{\n([\s\S]*?)^\1\}/gm)])
  const sources = blocks.flatMap(([, , body = '']) => [...body.matchAll(/^\s*source\s*=\s*"([^"]+)"/gm)])
  const full = sources.map(([, source = '']) => (source.split('/').length > 2 ? source : `${DEFAULT_HOST}/${source}`))
  return [...new Set(full)].filter(source => !source.startsWith(BUILT_IN)).sort()
}

/**
 * What a root's lock file lacks, so that any of the platforms would take a provider on trust; nothing when it is complete.
 * @param text undefined when there is no lock file
 */
export function lockFaults(required: readonly string[], text: string | undefined): string[] {
  if (required.length === 0) return []
  if (text === undefined) return ['it is missing']
  const locked = new Map(lockedProviders(text).map(provider => [provider.source, provider]))
  return required.flatMap(source => {
    const hashes = locked.get(source)?.hashes
    if (hashes === undefined) return [`it lacks ${source}`]
    // Nothing in a hash says which platform it is of: each has a package of its own.
    const packages = new Set(hashes.filter(hash => hash.startsWith('h1:'))).size
    return packages < PLATFORMS.length ? [`it has ${source} for ${packages} of ${PLATFORMS.length} platforms`] : []
  })
}

/** Words of Terraform's that a read-only lock file does not fit the configuration, or the package. In a remedy VERB is the command that renews it. */
const STALE: readonly [said: RegExp, fault: string, remedy: string][] = [
  [
    /Provider dependency changes detected/,
    'it lacks a provider that the layer requires',
    'add it with `VERB`, and commit the file',
  ],
  [
    /locked provider \S+ \S+ does not match configured version constraint/,
    'its version of a provider is not one that the layer requires',
    'choose another with `VERB --upgrade`, and commit the file',
  ],
  [
    /doesn't match any of the checksums (?:previously )?recorded in the dependency lock file/,
    'a provider is not the one that was locked, or is for another platform',
    'if the file was made for this platform, do not use that provider, and find out where it comes from; else renew the file with `VERB`',
  ],
]

/** The command that renews a layer's lock file. */
const lockVerb = ({ env, layer }: { env: string; layer: string }): string => `./taskw lock ENV=${env} -- ${layer}`

/** Why Terraform stopped at a layer's lock file; undefined when that is not why. Terraform breaks lines, and draws a bar before them. */
export function staleLock(said: string, of: { env: string; layer: string }): { fault: string; remedy: string } | undefined {
  const text = said.replace(/[│╷╵]/g, ' ').replace(/\s+/g, ' ')
  const found = STALE.find(([pattern]) => pattern.test(text))
  return found && { fault: found[1], remedy: found[2].replace('VERB', lockVerb(of)) }
}
