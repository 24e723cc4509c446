import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rootBanner, sshdConfiguration } from '../../../lab/machine/guest/ssh.ts'

/** What the real sshd makes of the machines' configuration for a user. */
const effective = (user: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sshd-'))
  try {
    const key = join(folder, 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    // The machine's own host keys are not here.
    const text = sshdConfiguration.replaceAll(/^HostKey .*$/gm, `HostKey ${key}`)
    writeFileSync(join(folder, 'config'), text)
    mkdirSync('/run/sshd', { recursive: true })
    const who = `user=${user},host=laptop,addr=10.0.0.9`
    return execFileSync('/usr/sbin/sshd', ['-T', '-C', who, '-f', join(folder, 'config')]).toString()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const root = suite('root at a machine')
root('is refused, and told how to log in', () => {
  const options = effective('root')
  assert.match(options, /^permitrootlogin no$/m)
  assert.match(options, /^banner \/etc\/ssh\/root-banner$/m)
  assert.match(rootBanner('threads-lab-vm'), 'gcloud compute ssh ops@threads-lab-vm')
})
root('others are told nothing', () => assert.match(effective('ops'), /^banner none$/m))
root.run()
