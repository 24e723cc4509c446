import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import type { Host } from './ssh.ts'

export interface Upload {
  /** The path of a local file, or the content itself. */
  source: string | Uint8Array
  /** Absolute path on the host. */
  target: string
  /** Permission bits. */
  mode: number
  /** Expected digest of the content, in hex. */
  sha256: string
  sudo?: boolean
  /** In milliseconds; 10 minutes by default. */
  timeout?: number
  /** Called with how much has been sent so far, in bytes. */
  progress?: (sent: number, total: number) => void
  /** Keeps what was there as `<target>.old`. */
  backup?: boolean
  /** A command that must accept the file before it gets its name; the temporary file's path is appended to its words. */
  accept?: readonly string[]
}

const TRANSFER_MS = 600_000

/**
 * Verifies what arrived before it takes the target's name. If anything ends it early, a lost connection included, the digest does
 * not match, and the trap removes the partial file; after a power cut that is left behind, hence the sweep.
 */
const RECEIVE = `
set -eu
target=$1 mode=$2 expected=$3 backup=$4
shift 4
directory=$(dirname "$target") name=$(basename "$target")
umask 077
mkdir -p "$directory"
find "$directory" -maxdepth 1 -name ".$name.upload.*" -mmin +60 -delete
temporary=$(mktemp "$directory/.$name.upload.XXXXXX")
trap 'rm -f "$temporary"' EXIT
trap 'exit 129' HUP INT TERM
cat > "$temporary"
actual=$(sha256sum < "$temporary" | cut -d ' ' -f 1)
if [ "$actual" != "$expected" ]; then
  echo "what arrived has SHA-256 $actual, expected $expected" >&2
  exit 65
fi
if [ $# -gt 0 ]; then "$@" "$temporary" >&2; fi
chmod "$mode" "$temporary"
sync "$temporary"
if [ "$backup" = yes ] && [ -e "$target" ]; then cp -p "$target" "$target.old"; fi
mv -f "$temporary" "$target"
`

/**
 * Puts a file on the host, completely or not at all; its digest is verified there.
 * @throws OpsError 5 when the digest is not the expected one
 */
export async function upload(host: Host, { source, target, mode, sha256, progress, ...options }: Upload): Promise<void> {
  const total = typeof source === 'string' ? (await stat(source)).size : source.length
  await host.run(
    { script: RECEIVE, args: [target, mode.toString(8), sha256, options.backup ? 'yes' : 'no', ...(options.accept ?? [])] },
    {
      what: `upload of ${target}`,
      sudo: options.sudo ?? false,
      timeout: options.timeout ?? TRANSFER_MS,
      input: () => {
        const content = typeof source === 'string' ? createReadStream(source) : Readable.from([source], { objectMode: false })
        return progress ? counted(content, sent => progress(sent, total)) : content
      },
    },
  )
}

function counted(content: Readable, report: (sent: number) => void): Readable {
  let sent = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length
      report(sent)
      done(null, chunk)
    },
  })
  content.on('error', error => meter.destroy(error))
  return content.pipe(meter)
}
