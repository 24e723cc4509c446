import { chmod, mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { root, writeAtomically } from '../../lib/runtime/files.ts'
import type { Layout } from '../state/layout.ts'
import { programPath, programs } from './catalog.ts'
import { findOnPath } from './path.ts'
import { programVersion } from './version.ts'

/** The registry of provider addresses without a host. */
const PUBLIC_REGISTRY = 'registry.terraform.io'
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' }

interface Provider {
  /** Its name in the catalogue. */
  program: string
  /** As in `required_providers`. */
  source: string
  version: string
}

/**
 * Makes Terraform use the catalogue's providers and no others: a file system mirror, a CLI configuration that allows nothing
 * else, and a `terraform` that waits for providers that are still building.
 */
export async function prepareTerraform({ lab, providers: mirror, terraformConfig, bin }: Layout): Promise<void> {
  const providers = await catalogueProviders()
  for (const { program, source, version } of providers) {
    const folder = join(mirror, PUBLIC_REGISTRY, source, version, `linux_${ARCHITECTURES[process.arch] ?? process.arch}`)
    const link = join(folder, `${program}_v${version}`)
    await mkdir(folder, { recursive: true })
    await rm(link, { force: true })
    await symlink(programPath(program), link)
  }
  await writeAtomically(
    terraformConfig,
    `disable_checkpoint = true\n\nprovider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
  )
  const wrapper = join(bin, 'terraform')
  await writeAtomically(
    wrapper,
    wrapperText({ lab, terraformConfig, terraform: findOnPath('terraform', bin), providers }),
    0o755,
  )
  await chmod(wrapper, 0o755)
}

async function catalogueProviders(): Promise<Provider[]> {
  const found = programs.filter(({ name }) => name.startsWith('terraform-provider-'))
  return Promise.all(
    found.map(async program => {
      const source = program.package.replace('github.com/', '').replace('terraform-provider-', '')
      const version = await programVersion(program)
      return { program: program.name, source, version: version.replace(/^v/, '') }
    }),
  )
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

interface WrapperOptions extends Pick<Layout, 'lab' | 'terraformConfig'> {
  /** The machine's own Terraform; without one, the catalogue's is used. */
  terraform: string | undefined
  providers: Provider[]
}

function wrapperText({ lab, terraformConfig, terraform, providers }: WrapperOptions): string {
  const build = [process.execPath, join(root, 'lab/tools/main.ts'), '--lab', lab].map(quoted).join(' ')
  const needs = providers.map(({ source, program }) => `needs ${source} ${program} ${quoted(programPath(program))}`)
  const program = quoted(terraform ?? programPath('terraform'))
  const own = terraform ? '' : `[ -x ${program} ] || missing="$missing terraform"\n`
  return `#!/bin/sh
# Runs Terraform as soon as the providers required by its folder are built.
directory=.
for argument in "$@"; do
  case $argument in -chdir=*) directory=\${argument#-chdir=} ;; esac
done
missing=
needs() {
  if [ ! -x "$3" ] && grep -qs "\\"$1\\"" "$directory"/*.tf; then missing="$missing $2"; fi
}
${needs.join('\n')}
${own}# shellcheck disable=SC2086 # names of programs, without spaces
if [ -n "$missing" ]; then ${build} $missing >&2 || exit; fi
export TF_CLI_CONFIG_FILE=${quoted(terraformConfig)}
exec ${program} "$@"
`
}
