import type { Probe } from '../model/k0s/facts.ts'
import { command } from '../model/shell.ts'
import { precondition } from '../runtime/errors.ts'
import type { Host } from './ssh.ts'

/** Asks the API server with k0s's own kubectl. This and `k0s status` may hang while the cluster starts. */
const READINESS = `
readyz() { timeout 20 k0s kubectl get --raw=/readyz; }
objects() {
  timeout 20 k0s kubectl get namespaces,nodes -o 'jsonpath={range .items[*]}{.kind}{"\\t"}{.metadata.name}{"\\t"}{.metadata.uid}{"\\t"}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
}
`

/**
 * Prints one JSON object. Every value is base64, which needs no quoting; it needs only sh, coreutils and systemctl. What takes long is asked
 * in a pipeline, whose commands run at the same time: `also` lets the answers before its own through once it has its own.
 */
const SAY = `
LC_ALL=C PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin
export LC_ALL PATH
separator='{'
say() {
  name=$1
  shift
  printf '%s"%s":"%s"' "$separator" "$name" "$(answer "$@")"
  separator=,
}
also() {
  name=$1
  shift
  own=$(answer "$@")
  cat
  printf ',"%s":"%s"' "$name" "$own"
}
answer() { "$@" 2>/dev/null </dev/null | base64 | tr -d '\\n'; }
digest() { sha256sum < "$1" | cut -d ' ' -f 1; }
`

const READ_ALL = `
started_ticks() { sed 's/^.*) //' "/proc/$pid/stat" | cut -d ' ' -f 20; }
free_bytes() {
  at=/var/lib/k0s
  while [ ! -d "$at" ]; do at=$(dirname "$at"); done
  df -B1 --output=avail "$at" | tail -n 1
}
stores() {
  if [ -d "$data/etcd/member" ]; then echo etcd; fi
  if [ -d "$data/db" ]; then echo kine; fi
}
# A flag's value in the unit, or another value where it is not given.
flag() {
  value=$(sed -n 's/^ExecStart=.*[ "]'"$1"'[= ]"\\{0,1\\}\\([^ "]*\\).*/\\2/p' "$path" | tail -n 1)
  echo "\${value:-$2}"
}
say clock date +%s%3N
say sudo echo "$1"
say sudoRefusal echo "$2"
say architecture uname -m
say hostname hostname
say os cat /etc/os-release
say bootId cat /proc/sys/kernel/random/boot_id
say freeBytes free_bytes
binary=/usr/local/bin/k0s
if [ -e "$binary" ]; then
  say binaryChangedAt stat -c %.3Y "$binary"
fi
config=/etc/k0s/k0s.yaml
data=/var/lib/k0s
for unit in k0scontroller k0sworker; do
  path=/etc/systemd/system/$unit.service
  [ -e "$path" ] || continue
  say unitName echo "$unit"
  say unit cat "$path"
  say unitChangedAt stat -c %.3Y "$path"
  config=$(flag '\\(--config\\|-c\\)' "$config")
  data=$(flag '\\(--data-dir\\)' "$data")
  service=$(systemctl show -p MainPID,ActiveState,UnitFileState "$unit" 2>/dev/null)
  say service echo "$service"
  pid=$(echo "$service" | sed -n 's/^MainPID=//p')
  if [ "\${pid:-0}" != 0 ]; then
    say pid echo "$pid"
    say startedAtTicks started_ticks
    say ticksPerSecond getconf CLK_TCK
    say uptime cut -d ' ' -f 1 /proc/uptime
  fi
  break
done
if [ -f "$config" ]; then
  say config cat "$config"
  say configMode stat -c '%a %u' "$config"
  say configChangedAt stat -c %.3Y "$config"
fi
say storage stores
for file in ca.crt admin.crt; do
  if [ -e "$data/pki/$file" ]; then say "pki/$file" cat "$data/pki/$file"; fi
done
digest_binary() { if [ -e "$binary" ]; then say binarySha256 digest "$binary"; fi; }
# A process has the version of its binary, if that has not changed since: then nobody has to be asked for it, which takes k0s a while.
changed() { stat -c %.3Z "$1" | tr -d .; }
is_older() { grep -q '^ExecStart="\\{0,1\\}'"$binary"'[ "]' "$path" && [ "$(changed "$binary")" -lt "$(changed "$socket")" ]; }
about_running() {
  running=$(timeout 20 k0s status -o json 2>/dev/null </dev/null)
  case $running in
    *'"Version"'*) is_older && asked= || asked=yes ;;
    *) asked=yes ;;
  esac
  version=$([ -z "$asked" ] || answer timeout 20 "$binary" version)
  cat
  printf ',"status":"%s"' "$(echo "$running" | base64 | tr -d '\\n')"
  if [ -n "$asked" ]; then printf ',"binaryVersion":"%s"' "$version"; fi
}
socket=/run/k0s/status.sock
if [ -S "$socket" ]; then
  digest_binary | about_running | also readyz readyz | also objects objects
elif [ -e "$binary" ]; then
  digest_binary | also binaryVersion timeout 20 "$binary" version
fi
printf '}\\n'
`

/** Runs the script as root where that needs no password; otherwise as the user, with sudo's reason for refusing. */
const AS_ROOT = `
if [ "$(id -u)" = 0 ]; then exec sh -c "$1" sh yes ''; fi
if refusal=$(sudo -n true 2>&1); then exec sudo -n -- sh -c "$1" sh yes ''; fi
exec sh -c "$1" sh no "$refusal"
`

const PROBE_MS = 90_000

/** Reads the whole state of a host, changing nothing. @throws OpsError 4 when its login shell prints something else, otherwise as `Host.run` does */
export async function probe(host: Host): Promise<Probe> {
  return ask(host, 'probe', SAY + READINESS + READ_ALL)
}

/** Only whether the API server and the nodes are ready: the members `readyz` and `objects`. */
export async function probeReadiness(host: Host): Promise<Probe> {
  return ask(host, 'readiness probe', `${SAY}${READINESS}say readyz readyz | also objects objects\nprintf '}\\n'\n`)
}

/** What `say` prints. A login shell whose start-up files print something adds words before and after it. */
const ANSWER = /\{"[\w/.]+":"[\w+/=]*"(?:,"[\w/.]+":"[\w+/=]*")*\}/g

const SHOWN = 200

const noAnswer = (name: string, what: string, stdout: string) =>
  precondition(
    `the ${what} of ${name} got no answer; its login shell printed ${stdout.trim() ? JSON.stringify(stdout.trim().slice(0, SHOWN)) : 'nothing'}`,
    command`\`ssh ${name} true\` must print nothing: see the user's shell in /etc/passwd, ~/.bashrc and /etc/bash.bashrc`,
  )

async function ask(host: Host, what: string, script: string): Promise<Probe> {
  const askedAt = Date.now()
  const { stdout } = await host.run({ script: AS_ROOT, args: [script] }, { what, readOnly: true, timeout: PROBE_MS })
  const printed = stdout.match(ANSWER)?.at(-1)
  if (printed === undefined) throw noAnswer(host.name, what, stdout)
  const encoded = JSON.parse(printed) as Record<string, string>
  const answers = Object.entries(encoded).map(([name, text]) => [name, Buffer.from(text, 'base64').toString().trimEnd()])
  return { answers: Object.fromEntries(answers), askedAt, answeredAt: Date.now() }
}
