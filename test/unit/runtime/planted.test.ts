import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readConnection, refuseForeign } from '../../../lib/cluster/kubeconfig.ts'
import { credentials } from '../../../lib/google/credentials.ts'
import { loadIdentity } from '../../../lib/host/identity.ts'
import { reportOf } from '../../../lib/model/drill/report.ts'
import { openDelivery } from '../../../lib/phases/image/delivery.ts'
import { drillHtml } from '../../../lib/report/drill-html.ts'
import { drillMarkdown } from '../../../lib/report/drill-markdown.ts'
import { asOpsError, external } from '../../../lib/runtime/errors.ts'
import { inheritOnly } from '../../../lib/runtime/inherited.ts'
import { openJournal } from '../../../lib/runtime/journal.ts'
import { createLog } from '../../../lib/runtime/log.ts'
import { runScript } from '../../../lib/runtime/script.ts'
import { createTerraform } from '../../../lib/terraform/terraform.ts'
import { concluded, journalOf, passedFacts, rebuild } from '../model/drill/passed.ts'

const folder = mkdtempSync(join(tmpdir(), 'threads-ops-planted-'))
const file = (name: string, content: string) => {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}
/** With what base64, JSON and URLs write differently. */
const random = () => `${randomBytes(9).toString('hex')}?~/+ "é>${randomBytes(9).toString('hex')}`
const pem = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const { signal } = new AbortController()

/** Each place that a credential can come from: what is in it, and how a run reads it. */
const places: [string, () => Promise<string[]>][] = [
  [
    "another user's entries in a kubeconfig",
    async () => {
      const [token, password, key] = [random(), random(), pem()]
      const users = [
        { name: 'a', user: { token } },
        { name: 'b', user: { username: 'b', password } },
        { name: 'c', user: { 'client-key-data': Buffer.from(key).toString('base64') } },
      ]
      const path = file('kubeconfig', JSON.stringify({ users }))
      await readConnection(path, 'ours').catch(() => undefined)
      return [token, password, key]
    },
  ],
  [
    'the variables of a program in a kubeconfig that is looked at',
    async () => {
      const secret = random()
      const exec = { command: 'x', env: [{ name: 'CLIENT_SECRET', value: secret }] }
      await refuseForeign(file('looked-at', JSON.stringify({ users: [{ name: 'a', user: { exec } }] })), 'ours', 1)
      return [secret]
    },
  ],
  [
    'the SSH key',
    async () => {
      const path = join(folder, 'id_ed25519')
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
      await loadIdentity(path)
      return [readFileSync(path, 'utf8')]
    },
  ],
  [
    "an environment's token",
    async () => {
      const token = randomBytes(20).toString('base64')
      await credentials(file('token', `${token}\n`)).token()
      return [token]
    },
  ],
  [
    "Google's credentials of an operator",
    async () => {
      const [secret, refresh] = [random(), random()]
      const content = { type: 'authorized_user', client_id: 'x', client_secret: secret, refresh_token: refresh }
      process.env.GOOGLE_APPLICATION_CREDENTIALS = file('user.json', JSON.stringify(content))
      await credentials(undefined).client()
      return [secret, refresh]
    },
  ],
  [
    "Google's credentials of a service account",
    async () => {
      const key = pem()
      const content = { type: 'service_account', client_email: 'a@b', private_key: key, project_id: 'p' }
      process.env.GOOGLE_APPLICATION_CREDENTIALS = file('account.json', JSON.stringify(content))
      await credentials(undefined).client()
      return [key]
    },
  ],
  [
    'the shell',
    async () => {
      const names = [
        'GITHUB_TOKEN',
        'GOOGLE_OAUTH_ACCESS_TOKEN',
        'TF_VAR_db_password',
        'TF_TOKEN_app_terraform_io',
        'KUBE_TOKEN',
      ]
      const secrets = names.map(random)
      for (const [index, name] of names.entries()) process.env[name] = secrets[index]
      inheritOnly()
      return secrets
    },
  ],
  [
    "GitHub's token on its way to git",
    async () => {
      const token = random()
      const context = { environment: { name: 'x', delivery: { repository: 'o/r', branch: 'main' } }, signal }
      const endpoints = { git: 'https://git.example', github: 'https://github.example' }
      const lab = { ...context, endpoints, credentials: { token: async () => token } }
      await openDelivery(lab as unknown as Parameters<typeof openDelivery>[0]).repository()
      return [token, Buffer.from(`x-access-token:${token}`).toString('base64')]
    },
  ],
  [
    "a state's sensitive outputs",
    async () => {
      const secret = random()
      const outputs = { password: { value: { deep: [secret] }, sensitive: true } }
      const objects = { read: async () => JSON.stringify({ version: 4, outputs }), create: async () => false }
      const root = join(folder, 'tree')
      execFileSync('mkdir', ['-p', join(root, '00-a/envs/x/.terraform')])
      writeFileSync(
        join(root, '00-a/envs/x/main.tf'),
        'terraform {\n  backend "gcs" {\n    bucket = "b"\n    prefix = "p"\n  }\n}\n',
      )
      const backendConfig = file('backend.hcl', '')
      const terraform = createTerraform({
        ...{ program: 'terraform', directory: root, env: 'x', backendConfig, layers: ['00-a'], objects, signal },
        ...{ plans: join(folder, 'plans'), variables: async () => ({ TF_CLI_CONFIG_FILE: '/dev/null' }) },
      })
      await terraform.state('00-a')
      return [secret]
    },
  ],
]

/** What a text may make of a value. */
const forms: [string, (secret: string) => string][] = [
  ['as it is', secret => secret],
  ['without the white space around it', secret => secret.trim()],
  ['in JSON', secret => JSON.stringify({ said: secret })],
  ['in JSON in JSON', secret => JSON.stringify(JSON.stringify({ said: secret }))],
  ['in a URL', secret => `https://x.example/?a=${encodeURIComponent(secret)}`],
  ['in a form', secret => new URLSearchParams({ a: secret }).toString()],
  ['in base64', secret => Buffer.from(secret).toString('base64')],
  ['in base64 for URLs', secret => Buffer.from(secret).toString('base64url')],
  ['in base64 in a URL', secret => encodeURIComponent(Buffer.from(secret).toString('base64'))],
  ...[1, 2, 3].map((before): [string, (secret: string) => string] => [
    `in base64, with ${before} more before it and 4 after it`,
    secret => Buffer.from(`${'x'.repeat(before)}${secret}tail`).toString('base64'),
  ]),
  [
    'one line after another',
    secret =>
      secret
        .split('\n')
        .map(line => `  | ${line}`)
        .join('\n'),
  ],
]

/** Enough of a secret to be of use: each run of 12 characters in it, in the text's own form. */
function leaks(text: string, secret: string): string | undefined {
  const body = secret.replace(/-----[A-Z ]+-----/g, '').trim()
  const parts = body.split(/[^A-Za-z0-9]+/).filter(part => part.length >= 12)
  const decoded = (text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).flatMap(word =>
    [0, 1, 2, 3].map(skip => Buffer.from(word.slice(skip), 'base64').toString('latin1')),
  )
  return parts.find(part =>
    [text, ...decoded].some(where => where.includes(part.slice(0, 12)) || where.includes(part.slice(-12))),
  )
}

/** Everything that is written of a text. */
async function written(text: string): Promise<Record<string, string>> {
  const lines: string[] = []
  const stream = { isTTY: false, write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WriteStream
  const log = createLog({ stream, live: false, debug: true })
  const journal = await openJournal({
    verb: 'planted',
    env: 'x',
    operator: 'a@b',
    gitSha: 'x',
    args: { text },
    now: new Date(0),
  })
  const out: string[] = []
  const { stdout, stderr } = process
  const { write } = stdout
  const { write: complain } = stderr
  try {
    log.toFile(join(journal.directory, 'log.txt'))
    log.info(text)
    log.error(text)
    const activity = log.activity(text)
    activity.update(text)
    activity.failed(text)
    await journal.fact('said', text)
    const error = external(text, text, new Error(text))
    await journal.phase({
      ...{ id: 'x', title: text, status: 'failed', startedAt: new Date(0).toISOString(), ms: 0, evidence: { text } },
      error: { code: 5, message: asOpsError(error).message, hint: text },
    })
    const facts = { ...passedFacts(), leftovers: [text] }
    const report = reportOf(journalOf({ ...facts, conclusion: concluded(facts) }), rebuild)
    if (report) {
      writeFileSync(join(journal.directory, 'report.md'), drillMarkdown(report))
      writeFileSync(join(journal.directory, 'report.html'), drillHtml(report))
    }
    stdout.write = stderr.write = ((said: string) => out.push(String(said)) > 0) as typeof write
    for (const argv of [[], ['--json']]) {
      await runScript({ name: 'x', summary: 'x', run: async () => ({ text, document: { text } }) }, argv)
      const fails = async () => {
        throw error
      }
      await runScript({ name: 'x', summary: 'x', run: fails }, [...argv, '--debug'])
    }
    process.exitCode = 0
    const files = readdirSync(journal.directory)
    const kept = files.map(name => [name, readFileSync(join(journal.directory, name), 'utf8')])
    return { ...Object.fromEntries(kept), stderr: lines.join(''), output: out.join('') }
  } finally {
    stdout.write = write
    stderr.write = complain
    rmSync(journal.directory, { recursive: true })
  }
}

const planted = suite('a credential that a run has read is in nothing that it writes')
const before = { ...process.env }
planted.before(() => {
  // Each script adds its own.
  for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0)
})
planted.after(() => {
  rmSync(folder, { recursive: true })
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
})
for (const [place, read] of places) {
  planted(place, async () => {
    const secrets = await read()
    assert.ok(secrets.length > 0)
    for (const secret of secrets) {
      const all = forms.map(([form, write]) => `${form}: ${write(secret)}`).join('\n')
      for (const [where, text] of Object.entries(await written(all))) {
        assert.not(leaks(text, secret), `${where}: ${text.slice(0, 4000)}`)
        assert.match(text, /\[redacted/, where)
      }
    }
  })
}
planted('what malformed files hold is not quoted', async () => {
  const secret = random()
  const path = file('malformed', `users:\n- name: a\n  user: {token: "${secret}\n`)
  const error = asOpsError(await readConnection(path, 'ours').catch(thrown => thrown))
  assert.is(error.code, 3)
  assert.not(leaks(error.message, secret), error.message)
})
planted.run()
