import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeWhole } from '../write-whole.ts'
import type { Metadata } from './metadata.ts'

/** User names with the lines of their authorized_keys. */
export type Accounts = Map<string, string[]>

/**
 * Accounts from the `ssh-keys` of the instance and, unless it blocks them, of the project: lines of `<user>:<key>`, where a key
 * may end in `google-ssh {"expireOn":"…"}`. https://cloud.google.com/compute/docs/connect/add-ssh-keys#metadata
 * The old entry `sshKeys` still counts, and that of an instance blocks its project's. With OS Login there are none.
 */
export function accountsOf({ instance, project }: Metadata, now: Date): Accounts {
  const [own = {}, shared = {}] = [instance?.attributes, project?.attributes]
  if (isTrue(own['enable-oslogin']) ?? isTrue(shared['enable-oslogin'])) return new Map()
  const blocked = isTrue(own['block-project-ssh-keys']) || Boolean(own.sshKeys)
  const texts = (blocked ? [own] : [own, shared]).flatMap(attributes => [attributes['ssh-keys'], attributes.sshKeys])
  const accounts: Accounts = new Map()
  for (const line of texts.flatMap(text => text?.split('\n') ?? [])) {
    const [, user, key] = /^\s*([A-Za-z_][\w.-]*):(\S.*?)\s*$/.exec(line) ?? []
    if (!user || !key || user === 'root' || isExpired(key, now)) continue
    accounts.set(user, [...(accounts.get(user) ?? []), key])
  }
  return accounts
}

/** What is neither true nor false says nothing. */
function isTrue(value = ''): boolean | undefined {
  if (/^(true|t|1|y|yes)$/i.test(value)) return true
  return /^(false|f|0|n|no)$/i.test(value) ? false : undefined
}

/** An expiry that can't be read lets nobody in. */
function isExpired(key: string, now: Date): boolean {
  const [, , mark, ...expiry] = key.split(/\s+/)
  if (mark !== 'google-ssh') return false
  try {
    const { expireOn } = JSON.parse(expiry.join(' ')) as { expireOn?: unknown }
    return !(new Date(String(expireOn)) > now)
  } catch {
    return true
  }
}

const SUDOERS = 'google-sudoers'

/** Does something for each account; where it fails, that is said, and the others get theirs. */
export function forEachAccount(
  accounts: Accounts,
  apply: (user: string, keys: readonly string[]) => void,
  say: (text: string) => void,
): void {
  for (const [user, keys] of accounts) {
    try {
      apply(user, keys)
    } catch (error) {
      say(`account ${user}: ${(error as Error).message.trim()}`)
    }
  }
}

/** Names of the accounts that had keys last, a line each: a machine that was off may have missed how they expired. */
const USERS = '/var/lib/google/google_users'

/** Creates the accounts, and removes the keys of those that had some and are no longer wanted. */
export function applyAccounts(accounts: Accounts, say: (text: string) => void): void {
  if (!isKnown('group', SUDOERS)) execFileSync('groupadd', [SUDOERS])
  mkdirSync('/etc/sudoers.d', { recursive: true })
  writeWhole('/etc/sudoers.d/google_sudoers', `%${SUDOERS} ALL=(ALL:ALL) NOPASSWD:ALL\n`, 0o440)
  forEachAccount(accounts, applyAccount, say)
  const earlier = existsSync(USERS) ? readFileSync(USERS, 'utf8').split('\n').filter(Boolean) : []
  for (const user of earlier) if (!accounts.has(user)) rmSync(`${homeOf(user)}/.ssh/authorized_keys`, { force: true })
  mkdirSync(dirname(USERS), { recursive: true })
  writeWhole(USERS, [...accounts.keys()].map(user => `${user}\n`).join(''))
}

function applyAccount(user: string, keys: readonly string[]): void {
  // The password field `*` matches no password; useradd's `!` would make sshd refuse the account altogether.
  if (!isKnown('passwd', user)) execFileSync('useradd', ['--shell', '/bin/bash', '--password', '*', user])
  execFileSync('usermod', ['--append', '--groups', SUDOERS, user])
  writeKeys(user, keys)
}

function writeKeys(user: string, keys: readonly string[]): void {
  const home = homeOf(user)
  const path = `${home}/.ssh/authorized_keys`
  const text = keys.map(key => `${key}\n`).join('')
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  if (!existsSync(home)) execFileSync('cp', ['-r', '/etc/skel', home])
  mkdirSync(`${home}/.ssh`, { recursive: true, mode: 0o700 })
  writeWhole(path, text, 0o600)
  execFileSync('chown', ['-R', `${user}:`, home])
}

const isKnown = (database: 'group' | 'passwd', name: string): boolean =>
  readFileSync(`/etc/${database}`, 'utf8')
    .split('\n')
    .some(line => line.startsWith(`${name}:`))

function homeOf(user: string): string {
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find(line => line.startsWith(`${user}:`))
  return entry?.split(':')[5] ?? `/home/${user}`
}
