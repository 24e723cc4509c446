/** As `gcloud compute ssh` calls an instance among the hosts that it knows: one that was made again is another. */
export const hostAlias = (instanceId: string): string => `compute.${instanceId}`

/** The host keys that a known_hosts file has for a name, as `ssh-ed25519 AAAA…`. Hashed names and lines with a marker are left out. */
export const keysOfHost = (text: string, name: string): string[] =>
  text
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .flatMap(([hosts = '', type, key]) => (type && key && hosts.split(',').includes(name) ? [`${type} ${key}`] : []))
