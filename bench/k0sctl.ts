/**
 * What k0sctl runs on a single machine of role `controller+worker` to find that nothing is to be done, in its order. Facts taken from the
 * sources of its 0.2x versions on rig 0.x (github.com/k0sproject/k0sctl: phase/*.go, configurer/linux.go, cluster/host.go;
 * github.com/k0sproject/rig: connection.go, os/linux.go, os/initsystem/systemd.go), as in test/lab/machine/k0sctl.test.ts, which checks
 * the answers.
 */
const K0S = '/usr/local/bin/k0s'
const LOCK = '/run/lock/k0sctl'
const CONFIG = '/etc/k0s/k0s.yaml'
const PATH = 'PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH'

const sudo = (command: string) => `sudo -s -- ${command}`
const unit = (service: string) => `${sudo(`systemctl show -p FragmentPath ${service}.service 2> /dev/null`)} | cut -d"=" -f2`

export const noopCommands: readonly string[] = [
  // It connects.
  'uname | grep -q Linux',
  'cat /etc/os-release || cat /usr/lib/os-release',
  'cat /etc/os-release || cat /usr/lib/os-release',
  '[ "$(id -u)" = 0 ]',
  'sudo -n -l',
  // It takes its lock.
  sudo('test -d /run/lock'),
  'mktemp',
  sudo(`cat > ${LOCK}.candidate < /dev/null`),
  sudo(`mv -n ${LOCK}.candidate ${LOCK}`),
  `test -f ${LOCK}.candidate`,
  sudo(`env -i LC_ALL=C touch -m -d '2026-01-01 10:00:00.5 +0000' -- ${LOCK}`),
  // It gathers facts.
  sudo('command -v -- "curl" 2> /dev/null'),
  sudo('command -v -- "hostname" 2> /dev/null'),
  "grep 'container=docker' /proc/1/environ 2> /dev/null",
  'uname -m',
  'hostname 2> /dev/null',
  `${PATH}; (ip route list scope global | grep -E "\\b(172|10|192\\.168)\\.") || (ip route list | grep -m1 default)`,
  `${PATH} ip -o addr show dev eth0 scope global`,
  'cat /etc/machine-id || cat /var/lib/dbus/machine-id',
  sudo('true'),
  'date -u +"%s"',
  sudo('stat /run/systemd/system'),
  'basename $(command -v rc-service systemd)',
  // It looks at k0s.
  sudo(`${K0S} version`),
  sudo(`cat -- ${CONFIG} 2> /dev/null`),
  unit('k0scontroller'),
  unit('k0sworker'),
  sudo(`${K0S} status -o json`),
  sudo(`${K0S} etcd member-list --data-dir=/var/lib/k0s`),
  sudo(`env "KUBECONFIG=/var/lib/k0s/pki/admin.conf" ${K0S} kubectl get node -l kubernetes.io/hostname=$(hostname) -o json`),
  // It gives the kubeconfig out and the lock back.
  sudo(`${K0S} kubeconfig admin --data-dir=/var/lib/k0s`),
  sudo(`rm -f -- ${LOCK} 2> /dev/null`),
]
