import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cloudSdkVariables } from '../../../lib/google/cloud-sdk.ts'
import { fromShell, inherited, inheritOnly, isAskable } from '../../../lib/runtime/inherited.ts'
import { shell } from '../../../lib/runtime/zx.ts'
import { createCommand } from '../../../lib/terraform/command.ts'
import { endpointVariables } from '../../../lib/terraform/environment.ts'

const at = 'http://127.0.0.1:1'
const endpoints = { compute: at, storage: at, iam: at, resourceManager: at, serviceUsage: at }
const { CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: _machines, ...cloudSdk } = cloudSdkVariables({
  ...{ ...endpoints, tokenFile: '/t', boto: '/b', certificate: '/c' },
})

const taken = [
  ...Object.keys(endpointVariables(endpoints)),
  ...Object.keys(cloudSdk),
  ...['GOOGLE_OAUTH_ACCESS_TOKEN', 'GOOGLE_CREDENTIALS', 'GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_PROJECT', 'GCLOUD_PROJECT'],
  ...['GCE_METADATA_HOST', 'STORAGE_EMULATOR_HOST', 'IAP_TUNNEL_URL', 'CLOUDSDK_CONFIG', 'CLOUDSDK_ACTIVE_CONFIG_NAME'],
  ...['TF_CLI_CONFIG_FILE', 'TERRAFORM_CONFIG', 'TF_CLI_ARGS', 'TF_CLI_ARGS_plan', 'TF_VAR_project_id', 'TF_WORKSPACE'],
  ...['TF_TOKEN_app_terraform_io', 'TF_REATTACH_PROVIDERS', 'TF_DATA_DIR'],
  ...['KUBECONFIG', 'KUBE_HOST', 'KUBE_CONFIG_PATH', 'KUBE_TOKEN', 'KUBERNETES_SERVICE_HOST', 'HELM_DRIVER'],
  ...[
    'GIT_DIR',
    'GIT_SSH_COMMAND',
    'GIT_ASKPASS',
    'GIT_CONFIG_COUNT',
    'GIT_CONFIG_KEY_0',
    'GIT_AUTHOR_NAME',
    'GIT_ALLOW_PROTOCOL',
  ],
  ...['GIT_SSL_NO_VERIFY', 'GIT_CONFIG_GLOBAL', 'GIT_TEMPLATE_DIR', 'GIT_PROXY_COMMAND'],
]
const kept = [
  ...['PATH', 'HOME', 'LANG', 'TERM', 'TMPDIR', 'SSH_AUTH_SOCK', 'CI', 'ENV', 'THREADS_OPS_TOOLS', 'NODE_COMPILE_CACHE'],
  ...['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'CURL_CA_BUNDLE'],
  ...['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE', 'CLOUDSDK_PROXY_ADDRESS', 'PIP_CERT'],
  ...['TF_LOG', 'TF_LOG_PATH', 'TF_PLUGIN_CACHE_DIR', 'TF_REGISTRY_CLIENT_TIMEOUT', 'GITHUB_ACTIONS', 'XDG_CACHE_HOME'],
]
const never = ['GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_ENTERPRISE_TOKEN', 'GH_ENTERPRISE_TOKEN']
const all = Object.fromEntries([...taken, ...kept, ...never].map(name => [name, `value of ${name}`]))

const foreign = Object.fromEntries([...taken, ...never, 'GIT_SSL_CAINFO'].map(name => [name, `value of ${name}`]))

const rule = suite("what a run's children inherit")
for (const name of taken) {
  rule(`not ${name}, unless the environment's file asks for it`, () => {
    assert.not(name in inherited(all, []))
    assert.ok(isAskable(name))
    assert.is(inherited(all, [name])[name], `value of ${name}`)
  })
}
for (const name of kept) rule(`${name}`, () => assert.is(inherited(all, [])[name], `value of ${name}`))
for (const name of never) {
  rule(`${name} never`, () => {
    assert.not(isAskable(name))
    assert.not(name in inherited(all, [name]))
  })
}
rule.run()

/** Runs `work` with these variables in our own environment, and puts back what was there. */
async function withShell(variables: NodeJS.ProcessEnv, work: () => Promise<void>): Promise<void> {
  const before = { ...process.env }
  Object.assign(process.env, variables)
  try {
    await work()
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
    inheritOnly()
    Object.assign(process.env, before)
  }
}

const namesIn = (text: string) => text.split('\n').map(line => line.split('=')[0] ?? '')
const terraform = () =>
  createCommand({
    program: '/usr/bin/env',
    variables: async () => ({ GOOGLE_PROJECT: 'ours' }),
    signal: new AbortController().signal,
    silence: 60_000,
    scratch: process.env.TMPDIR ?? '/tmp',
  })

const children = suite('children')
children('zx', () =>
  withShell(foreign, async () => {
    const got = namesIn((await shell()`/usr/bin/env`).stdout)
    assert.equal(
      [...taken, ...never].filter(name => got.includes(name)),
      [],
    )
    assert.ok(got.includes('GIT_SSL_CAINFO'))
  }),
)
for (const [what, options] of [
  ['Terraform', {}],
  ['Terraform with an input', { input: '' }],
] as const) {
  children(`${what}, but for what the run itself gives it`, () =>
    withShell(foreign, async () => {
      const got = namesIn((await terraform().run('/tmp', [], options)).stdout)
      const given = ['GOOGLE_PROJECT', 'TF_WORKSPACE', 'TF_DATA_DIR']
      assert.equal(
        [...taken, ...never].filter(name => got.includes(name) && !given.includes(name)),
        [],
      )
      assert.ok(got.includes('GOOGLE_PROJECT'))
    }),
  )
}
children("those of libraries, too: it is the run's own environment", () =>
  withShell({ GOOGLE_APPLICATION_CREDENTIALS: '/other.json', KUBECONFIG: '/k', GITHUB_TOKEN: 'a-github-token' }, async () => {
    inheritOnly()
    assert.equal(
      ['GOOGLE_APPLICATION_CREDENTIALS', 'KUBECONFIG', 'GITHUB_TOKEN'].filter(name => name in process.env),
      [],
    )
    assert.is(fromShell('GITHUB_TOKEN'), 'a-github-token')
    inheritOnly(['KUBECONFIG', 'GITHUB_TOKEN'])
    assert.is(process.env.KUBECONFIG, '/k')
    assert.not('GITHUB_TOKEN' in process.env)
    assert.is(fromShell('GOOGLE_APPLICATION_CREDENTIALS'), '/other.json')
  }),
)
children.run()
