#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { environmentScript } from '../lib/command-line/environment.ts'
import type { Endpoints } from '../lib/config/endpoints.ts'
import { exitCodes, type OpsError } from '../lib/runtime/errors.ts'

/** What this verb exports for one environment or another: left in the shell, the lab's endpoints would be those of prod. */
const EXPORTED =
  /^(GOOGLE_(OAUTH_ACCESS_TOKEN|\w+_CUSTOM_ENDPOINT)|CLOUDSDK_\w+|BOTO_CONFIG|IAP_TUNNEL_URL|TF_CLI_CONFIG_FILE|KUBECONFIG)$/

export default environmentScript({
  name: 'env',
  summary: 'Print the exports that plain terraform, gcloud, gsutil, kubectl and ssh need: eval "$(./taskw env)".',

  async run({ terraform, baseLayer: base, output, endpoints, environment }) {
    const { configuredPath } = await import('../lib/config/load.ts')
    const { cloudSdkVariables } = await import('../lib/google/cloud-sdk.ts')
    const { quote } = await import('../lib/model/shell.ts')
    const { givenExports } = await import('../lib/operation/given-values.ts')
    const { withheldNames } = await import('../lib/runtime/inherited.ts')

    const { outputs } = await terraform.state(base)
    const { GOOGLE_OAUTH_ACCESS_TOKEN: _token, ...forTerraform } = await terraform.variables()
    const project = await output(base, 'project_id')
    const zone = await output(base, 'zone').catch(orNone)
    const exports: Record<string, string> = {
      ...forTerraform,
      CLOUDSDK_CORE_PROJECT: project,
      ...(endpoints && cloudSdkVariables(await withFiles(endpoints))),
      ...(endpoints?.iapRelayTls && { IAP_TUNNEL_URL: `${endpoints.iapRelayTls}/v4` }),
      ...(typeof outputs.region === 'string' && { CLOUDSDK_COMPUTE_REGION: outputs.region }),
      ...(zone !== undefined && { CLOUDSDK_COMPUTE_ZONE: zone }),
      KUBECONFIG: configuredPath(await output(base, 'kubeconfig_path')),
    }
    const unset = withheldNames().filter(name => EXPORTED.test(name) && !(name in exports))
    const lines = [
      ...unset.map(name => `unset ${name}`),
      ...Object.entries(exports).map(([name, value]) => `export ${name}=${quote([value])}`),
    ]
    // The token is read from its file when the shell evaluates this: it is never printed.
    if (endpoints) lines.push(`export GOOGLE_OAUTH_ACCESS_TOKEN="$(cat ${quote([configuredPath(endpoints.tokenFile)])})"`)
    lines.push(...givenExports(environment))
    return { document: { exports, unset }, text: lines.join('\n') }
  },
})

/** A layer that says no zone, before it is applied, is no reason to export nothing. @throws whatever is wrong otherwise */
function orNone(error: unknown): undefined {
  if ((error as OpsError).code !== exitCodes.precondition) throw error
}

/** With absolute paths: other programs may run in other folders. */
async function withFiles(endpoints: Endpoints): Promise<Endpoints> {
  const { configuredPath } = await import('../lib/config/load.ts')
  return {
    ...endpoints,
    tokenFile: configuredPath(endpoints.tokenFile),
    ...(endpoints.boto && { boto: configuredPath(endpoints.boto) }),
    ...(endpoints.certificate && { certificate: configuredPath(endpoints.certificate) }),
  }
}
