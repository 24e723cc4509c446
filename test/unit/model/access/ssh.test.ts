import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { knownHosts, sshArguments } from '../../../../lib/model/access/ssh.ts'

const TARGET = {
  name: 'threads-vm',
  user: 'ops',
  knownHosts: '/run/a b/known 100%h',
  proxy: ['/usr/bin/node', "/it's/100%h.ts"],
}

/** What OpenSSH itself makes of the arguments, by its options' names. */
function understood(...args: string[]): Map<string, string> {
  const text = execFileSync('ssh', ['-G', ...args], { encoding: 'utf8' })
  return new Map(text.split('\n').map(line => [line.split(' ')[0] ?? '', line.replace(/^\S+ /, '')]))
}

const arguments_ = suite('sshArguments')
arguments_('only the VM’s published keys are accepted, and the user’s configuration says nothing', () => {
  const said = understood(...sshArguments(TARGET))
  assert.is(said.get('hostname'), 'threads-vm')
  assert.is(said.get('user'), 'ops')
  assert.is(said.get('hostkeyalias'), 'threads-vm')
  assert.is(said.get('stricthostkeychecking'), 'true')
  assert.is(said.get('globalknownhostsfile'), 'none')
  assert.is(said.get('updatehostkeys'), 'false')
})
arguments_('paths stay what they are', () => {
  const said = understood(...sshArguments({ ...TARGET, identityFile: '/home/a b/id' }))
  assert.is(said.get('proxycommand'), `/usr/bin/node '/it'\\''s/100%%h.ts'`)
  assert.match(said.get('userknownhostsfile') ?? '', /^\/run\/a b\/known 100%%?h$/)
  assert.is(said.get('identityfile'), '/home/a b/id')
  assert.is(said.get('identitiesonly'), 'yes')
})
arguments_('without a key file the agent’s keys', () =>
  assert.is(understood(...sshArguments(TARGET)).get('identitiesonly'), 'no'),
)
arguments_('what an option says later changes none of it', () => {
  const said = understood(
    ...sshArguments(TARGET),
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'ProxyCommand=none',
    '-L',
    '8080:localhost:80',
  )
  assert.is(said.get('stricthostkeychecking'), 'true')
  assert.match(said.get('proxycommand') ?? '', /^\/usr\/bin\/node/)
  assert.match(said.get('localforward') ?? '', '8080')
})
arguments_.run()

const hosts = suite('knownHosts')
hosts('a line for each key, without its comment', () =>
  assert.is(knownHosts('vm', ['ssh-ed25519 AAAA root@vm', 'ssh-rsa BBBB\n']), 'vm ssh-ed25519 AAAA\nvm ssh-rsa BBBB\n'),
)
hosts.run()
