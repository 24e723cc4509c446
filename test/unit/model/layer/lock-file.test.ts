import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lockedProviders, lockFaults, PLATFORMS, requiredProviders, staleLock } from '../../../../lib/model/layer/lock-file.ts'

const GOOGLE = 'registry.terraform.io/hashicorp/google'
const HELM = 'registry.terraform.io/hashicorp/helm'

const locked = (source: string, packages: number, version = '7.1.0') =>
  `# This file is maintained automatically by "terraform init".

provider "${source}" {
  version     = "${version}"
  constraints = ">= 5.0.0, ~> 7.0"
  hashes = [
${Array.from({ length: packages }, (_, at) => `    "h1:${at}=",`).join('\n')}
    "zh:0a1b",
  ]
}
`

const required = suite('the providers that a root requires')
for (const [what, files, expected] of [
  ['none', ['locals {}'], []],
  [
    'in the usual form',
    [
      'terraform {\n  required_providers {\n    google = {\n      source  = "hashicorp/google"\n      version = "~> 7.0"\n    }\n  }\n}\n',
    ],
    [GOOGLE],
  ],
  [
    'in several files, one of them twice, one of another registry, one built in',
    [
      'terraform {\n  required_providers {\n    helm = {\n      source = "hashicorp/helm"\n    }\n    a = {\n      source = "example.com/b/a"\n    }\n  }\n}\n',
      'terraform {\n  required_providers {\n    helm = {\n      source = "hashicorp/helm"\n    }\n    t = {\n      source = "terraform.io/builtin/terraform"\n    }\n  }\n}\n',
    ],
    ['example.com/b/a', HELM],
  ],
  ['not what a module takes as its source', ['module "a" {\n  source = "../../a"\n}\n'], []],
] as const)
  required(what, () => assert.equal(requiredProviders(files), expected))
required.run()

const faults = suite('what a lock file lacks')
for (const [what, needed, text, expected] of [
  ['without providers', [], undefined, []],
  ['itself', [GOOGLE], undefined, ['it is missing']],
  ['all of it', [GOOGLE], '', [`it lacks ${GOOGLE}`]],
  ['nothing', [GOOGLE], locked(GOOGLE, PLATFORMS.length), []],
  ['the platforms of all but one machine', [GOOGLE], locked(GOOGLE, 1), [`it has ${GOOGLE} for 1 of 4 platforms`]],
  ['one of two', [GOOGLE, HELM], locked(GOOGLE, PLATFORMS.length), [`it lacks ${HELM}`]],
  ['nothing, with more than is needed', [HELM], locked(GOOGLE, 1) + locked(HELM, PLATFORMS.length), []],
] as const)
  faults(what, () => assert.equal(lockFaults(needed, text), expected))

faults('each provider with its version and hashes', () =>
  assert.equal(lockedProviders(locked(GOOGLE, 1) + locked(HELM, 2, '3.0.2')), [
    { source: GOOGLE, version: '7.1.0', hashes: ['h1:0=', 'zh:0a1b'] },
    { source: HELM, version: '3.0.2', hashes: ['h1:0=', 'h1:1=', 'zh:0a1b'] },
  ]),
)
faults.run()

const PROD = { env: 'prod', layer: '00-vpc' }

const stale = suite('what Terraform says of a lock file')
stale('is told from other failures', () => {
  assert.is(staleLock('Error: Failed to get existing workspaces: googleapi: Error 403', PROD), undefined)
  assert.is(staleLock('', PROD), undefined)
})
stale('is known however its lines are broken', () => {
  const said =
    "╷\n│ Error: Failed to install provider\n│ \n│ Error while installing hashicorp/google v7.1.0: the current package for\n│ registry.terraform.io/hashicorp/google 7.1.0 doesn't match any of the\n│ checksums previously recorded in the dependency lock file; for more\n╵\n"
  const { fault, remedy } = staleLock(said, PROD) ?? { fault: '', remedy: '' }
  assert.match(fault, 'not the one that was locked')
  assert.match(remedy, '`./taskw lock ENV=prod -- 00-vpc`')
})
stale.run()
