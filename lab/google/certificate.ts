import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readIfExists } from '../../lib/runtime/files.ts'

export interface Certificate {
  key: Buffer
  cert: Buffer
  /** The certificate's file, for clients that must trust it. */
  file: string
}

const DAYS = 825
/** A certificate with less time left than this is replaced. */
const LEFT_MS = 30 * 24 * 3600 * 1000

/**
 * A self-signed certificate for loopback, which is also the authority that clients trust. openssl makes it when there is none
 * or when it is about to expire.
 */
export async function ensureCertificate(directory: string): Promise<Certificate> {
  const [keyFile, file] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
  if (!(await isCurrent(file))) await make(directory, keyFile, file)
  return { key: await readFile(keyFile), cert: await readFile(file), file }
}

async function isCurrent(file: string): Promise<boolean> {
  const pem = await readIfExists(file)
  return pem !== undefined && Date.parse(new X509Certificate(pem).validTo) > Date.now() + LEFT_MS
}

async function make(directory: string, keyFile: string, file: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const partial = `${file}.partial`
  await rm(file, { force: true })
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', String(DAYS)],
    ...['-subj', '/CN=threads-ops lab', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-keyout', keyFile, '-out', partial],
  ])
  // The certificate comes last, so that it never exists without its key.
  await rename(partial, file)
}
