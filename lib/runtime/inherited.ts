import { neverShow } from './redact.ts'

/**
 * The variables by which a shell says who somebody is, what they work on and how their tools behave there. What git tells its hooks is
 * among them, and what `./taskw env` exports.
 */
const SHELLS =
  /^(GOOGLE|GCLOUD|GCE|CLOUDSDK|BOTO|TF|TERRAFORM|TOFU|KUBE|KUBECTL|KUBERNETES|HELM|GIT)_|^(KUBECONFIG|IAP_TUNNEL_URL)$|_EMULATOR_HOST$/

/** Those of them that belong to the machine: how it reaches the network, where its programs and caches are, what they log. */
const MACHINES =
  /^(CLOUDSDK_(CORE_CUSTOM_CA_CERTS_FILE|PROXY_\w+|PYTHON\w*)|GIT_((PROXY_)?SSL_CA(INFO|PATH)|EXEC_PATH)|TF_(LOG\w*|PLUGIN_CACHE_\w+|REGISTRY_\w+))$/

/** It is for the calls to GitHub and for git, which get it in another way. */
const GITHUBS = /^(GITHUB|GH)(_ENTERPRISE)?_TOKEN$/

/** Some name a file that holds it. */
const IS_SECRET = /^(?!.*_FILE$).*(TOKEN|SECRET|PASSWORD|PRIVATE_KEY|API_KEY|CREDENTIALS)/i

/** Whether an environment's file may ask for it. */
export const isAskable = (name: string): boolean => /^\w+$/.test(name) && SHELLS.test(name) && !GITHUBS.test(name)

/** @param asked names that are kept all the same */
export const isInherited = (name: string, asked: readonly string[] = []): boolean =>
  !GITHUBS.test(name) && (!SHELLS.test(name) || MACHINES.test(name) || asked.includes(name))

/** What a run's children get of the shell's environment. */
export const inherited = (environment: NodeJS.ProcessEnv, asked: readonly string[] = kept): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => isInherited(name, asked)))

const withheld: Record<string, string> = {}
let kept: readonly string[] = []

/** From now on this process has only what is inherited, too, so that the libraries that it uses mean the same as its children. */
export function inheritOnly(asked: readonly string[] = []): void {
  kept = asked
  for (const name of asked) if (withheld[name] !== undefined) process.env[name] = withheld[name]
  for (const [name, value = ''] of Object.entries(process.env)) {
    if (isInherited(name, asked)) continue
    withheld[name] = value
    delete process.env[name]
    // So do some that are not called so.
    if (IS_SECRET.test(name) && !value.startsWith('/')) neverShow(value)
  }
}

/** What the shell has said, inherited or not. */
export const fromShell = (name: string): string | undefined => process.env[name] ?? withheld[name]

/** What the shell has said and the run does not take over. */
export const withheldNames = (): string[] => Object.keys(withheld).filter(name => process.env[name] === undefined)
