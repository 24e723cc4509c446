import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { writeWhole } from '../write-whole.ts'

/** The cluster's identities, created once and kept in `<data dir>/pki`, which a backup includes. */
export interface Identity {
  /** File name without extension. */
  name: string
  commonName: string
  organization?: string
}

export const ADMIN: Identity = { name: 'admin', commonName: 'kubernetes-admin', organization: 'system:masters' }
export const CONTROLLER_MANAGER: Identity = { name: 'ccm', commonName: 'system:kube-controller-manager' }
export const SCHEDULER: Identity = { name: 'scheduler', commonName: 'system:kube-scheduler' }
const SERVER: Identity = { name: 'server', commonName: 'kubernetes' }
/** The API server's identity towards the kubelet. */
export const KUBELET_CLIENT: Identity = {
  name: 'apiserver-kubelet-client',
  commonName: 'apiserver-kubelet-client',
  organization: 'system:masters',
}

const DAYS = '3650'

export interface Names {
  /** Names of the API server. */
  server: readonly string[]
  node: string
  nodeAddress: string
}

/** Creates what is missing; server certificates are always renewed, since their names depend on configuration and machine. */
export function ensurePki(directory: string, { server, node, nodeAddress }: Names): void {
  mkdirSync(directory, { recursive: true, mode: 0o751 })
  if (!existsSync(join(directory, 'ca.crt'))) makeAuthority(directory)
  if (!existsSync(join(directory, 'sa.pub'))) makeServiceAccountKeys(directory)
  for (const identity of [ADMIN, CONTROLLER_MANAGER, SCHEDULER, KUBELET_CLIENT]) {
    if (!existsSync(join(directory, `${identity.name}.crt`))) issue(directory, identity, 'extendedKeyUsage=clientAuth')
  }
  const internal = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc']
  issue(directory, SERVER, serverExtensions([...internal, ...server, '127.0.0.1', '10.96.0.1']))
  const kubelet: Identity = { name: 'kubelet', commonName: `system:node:${node}`, organization: 'system:nodes' }
  issue(directory, kubelet, serverExtensions([node, nodeAddress]))
}

function serverExtensions(names: readonly string[]): string {
  const alternatives = [...new Set(names)].map(name => `${isIP(name) ? 'IP' : 'DNS'}:${name}`)
  return `extendedKeyUsage=serverAuth\nsubjectAltName=${alternatives.join(',')}`
}

function makeAuthority(directory: string): void {
  const key = join(directory, 'ca.key')
  writeKey(key)
  const certificate = join(directory, 'ca.crt')
  const partial = `${certificate}.new`
  openssl(['req', '-x509', '-new', '-key', key, '-days', DAYS, '-subj', '/CN=kubernetes-ca', '-out', partial])
  renameSync(partial, certificate)
}

function makeServiceAccountKeys(directory: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeWhole(join(directory, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), 0o600)
  writeWhole(join(directory, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
}

function issue(directory: string, { name, commonName, organization }: Identity, extensions: string): void {
  const key = join(directory, `${name}.key`)
  if (!existsSync(key)) writeKey(key)
  const work = mkdtempSync(join(directory, '.issue-'))
  try {
    const request = join(work, 'request')
    const extensionFile = join(work, 'extensions')
    writeFileSync(extensionFile, `keyUsage=digitalSignature\n${extensions}\n`)
    const subject = `${organization ? `/O=${organization}` : ''}/CN=${commonName}`
    openssl(['req', '-new', '-key', key, '-subj', subject, '-out', request])
    const authority = ['-CA', join(directory, 'ca.crt'), '-CAkey', join(directory, 'ca.key')]
    const serial = `0x${randomBytes(8).toString('hex')}`
    const certificate = join(work, 'certificate')
    const output = ['-extfile', extensionFile, '-out', certificate]
    openssl(['x509', '-req', '-in', request, ...authority, '-set_serial', serial, '-days', DAYS, ...output])
    renameSync(certificate, join(directory, `${name}.crt`))
  } finally {
    rmSync(work, { recursive: true })
  }
}

function writeKey(path: string): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  writeWhole(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600)
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** A kubeconfig like that of `k0s kubeconfig admin`, with all data embedded. */
export function kubeconfig(directory: string, { name }: Identity, server: string): string {
  const embedded = (file: string) => readFileSync(join(directory, file)).toString('base64')
  return `apiVersion: v1
clusters:
- cluster:
    server: ${server}
    certificate-authority-data: ${embedded('ca.crt')}
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {}
users:
- name: user
  user:
    client-certificate-data: ${embedded(`${name}.crt`)}
    client-key-data: ${embedded(`${name}.key`)}
`
}
