import { join } from 'node:path'
import { root } from '../../lib/runtime/files.ts'

/** The paths of a lab's files, all below one folder. */
export interface Layout {
  lab: string
  endpoints: string
  token: string
  sshKey: string
  run: string
  logs: string
  git: string
  charts: string
  terraform: string
  terraformConfig: string
  providers: string
  bin: string
  /** gsutil's configuration, its state folder, and the certificate that it trusts. */
  boto: string
  gsutil: string
  certificate: string
}

export const layoutOf = (lab: string): Layout => ({
  lab,
  endpoints: join(lab, 'endpoints.json'),
  token: join(lab, 'token'),
  sshKey: join(lab, 'ssh/id_ed25519'),
  run: join(lab, 'run'),
  logs: join(lab, 'logs'),
  git: join(lab, 'git'),
  charts: join(lab, 'charts'),
  terraform: join(lab, 'terraform'),
  terraformConfig: join(lab, 'terraform.rc'),
  providers: join(lab, 'providers'),
  bin: join(lab, 'bin'),
  boto: join(lab, 'boto.cfg'),
  gsutil: join(lab, 'gsutil'),
  certificate: join(lab, 'google/tls/certificate.pem'),
})

/** The checkout's lab. */
export const here: Layout = layoutOf(join(root, '.lab'))
