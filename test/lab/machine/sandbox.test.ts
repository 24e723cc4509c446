import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { contentMounts } from '../../../lab/machine/node-agent/containers.ts'
import { firstProcess, startEnclosed } from '../../../lab/machine/node-agent/enclosure.ts'
import { exitOf } from '../../../lab/machine/node-agent/running.ts'
import { entered, type Mount, type Sandbox } from '../../../lab/machine/node-agent/sandbox.ts'
import { assertNoLinks, ownPath, subPathOf } from '../../../lab/machine/node-agent/volumes.ts'
import { goneWithin } from '../../../lab/machine/process.ts'
import { identify } from '../../../lib/runtime/processes.ts'

interface Context {
  folder: string
  data: string
}

const sandboxOf = (data: string, more: Partial<Sandbox> = {}): Sandbox => ({
  ...{ hostname: 'pod', readOnlyRoot: false, workingDirectory: '/', hidden: [] },
  identity: { uid: 70, gid: 70, groups: [72] },
  mounts: [{ source: data, target: '/data' }],
  ...more,
})
const ROOT = { uid: 0, gid: 0, groups: [] }
const ENVIRONMENT = { PATH: '/usr/bin:/bin', HOME: '/tmp' }

interface Ended {
  code: number
  output: string
}

const endOf = async (child: ChildProcess): Promise<Ended> => {
  const [code, out, err] = await Promise.all([
    exitOf(child),
    ...[child.stdout, child.stderr].map(each => (each ? text(each) : '')),
  ])
  return { code: code as number, output: `${out}${err}`.trim() }
}

/** Runs a shell's command as a container, then the same with `kubectl exec` in a container that sleeps. */
async function both(
  sandbox: Sandbox,
  command: readonly string[],
  environment: Record<string, string> = ENVIRONMENT,
): Promise<Record<'container' | 'exec', Ended>> {
  const container = await endOf(await startEnclosed({ sandbox, command, environment }))
  const sleeping = await startEnclosed({ sandbox, command: ['sleep', '60'], environment: ENVIRONMENT })
  try {
    const invocation = entered((await firstProcess(sleeping)) ?? 0, sandbox, environment, command)
    const child = spawn(invocation.command, invocation.args, { env: invocation.environment, stdio: ['ignore', 'pipe', 'pipe'] })
    return { container, exec: await endOf(child) }
  } finally {
    sleeping.kill('SIGKILL')
  }
}

const walls = suite<Context>('a container')
walls.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'threads-ops-sandbox-'))
  context.data = join(context.folder, 'data')
  mkdirSync(context.data)
  chmodSync(context.folder, 0o755)
  chmodSync(context.data, 0o777)
})
walls.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

/** The numbers of containerd's default capabilities. https://github.com/containerd/containerd/blob/main/pkg/oci/spec.go */
const CONTAINERD = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31]
for (const [who, identity] of [
  ['the image’s user', undefined],
  ['root', ROOT],
] as const) {
  walls(`${who}: no capability, and no way to one`, async ({ data }) => {
    const sandbox = sandboxOf(data, identity && { identity })
    for (const { output } of Object.values(await both(sandbox, ['cat', '/proc/self/status']))) {
      for (const kind of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
        const found = BigInt(`0x${new RegExp(`^Cap${kind}:\\s*(\\w+)$`, 'm').exec(output)?.[1]}`)
        const held = Array.from({ length: 64 }, (_, at) => at).filter(at => (found >> BigInt(at)) & 1n)
        assert.equal(
          held.filter(at => !CONTAINERD.includes(at)),
          [],
          `Cap${kind}`,
        )
        assert.equal(held, [], `Cap${kind}`)
      }
      assert.match(output, /^NoNewPrivs:\s*1$/m)
    }
  })
  for (const [what, command] of [
    ['makes no device', 'mknod /data/device b 7 0'],
    ['makes no device in its root', 'mknod /tmp/device c 1 3'],
    ['mounts nothing', 'mount -t tmpfs tmpfs /data'],
    ['mounts no devices', 'mount -t devtmpfs devtmpfs /data'],
    ['changes no setting of the kernel', 'v=$(cat /proc/sys/kernel/printk) && echo "$v" >/proc/sys/kernel/printk'],
    [
      'names no program for the kernel to run',
      'v=$(cat /proc/sys/kernel/core_pattern) && echo "$v" >/proc/sys/kernel/core_pattern',
    ],
    ['presses no key of the kernel', 'test -e /proc/sysrq-trigger && echo h >/proc/sysrq-trigger'],
    ['enters no other namespace', 'nsenter --target 1 --user true'],
    ['sets no clock', 'date --set 2001-01-01'],
    ['makes no network card', 'ip link add type dummy'],
    ['takes no raw socket', "perl -e 'use Socket; socket(my $s, PF_INET, SOCK_RAW, 1) or die $!'"],
  ] as const) {
    walls(`${who} ${what}`, async ({ data }) => {
      const sandbox = sandboxOf(data, identity && { identity })
      for (const [way, { code, output }] of Object.entries(await both(sandbox, ['sh', '-c', command])))
        assert.is.not(code, 0, `${way}: ${output}`)
      assert.equal(readdirSync(data), [])
    })
  }
}

walls('what keeps a capability has it over its own mounts, and no other', async ({ data }) => {
  const sandbox = sandboxOf(data, { identity: ROOT, capabilities: ['dac_override'] })
  writeFileSync(join(data, 'closed'), 'text')
  chmodSync(join(data, 'closed'), 0)
  for (const { output } of Object.values(await both(sandbox, ['sh', '-c', 'cat /data/closed; grep CapPrm /proc/self/status'])))
    assert.is(output.replace('text', '').trim(), 'CapPrm:\t0000000000000002')
  for (const { code } of Object.values(await both(sandbox, ['mknod', '/data/device', 'b', '7', '0']))) assert.is(code, 1)
})

walls('a device that is in a volume all the same is none', async ({ data }) => {
  const made = spawn('mknod', ['-m', '666', join(data, 'null'), 'c', '1', '3'])
  assert.is(await exitOf(made), 0)
  for (const { code, output } of Object.values(await both(sandboxOf(data, { identity: ROOT }), ['cat', '/data/null'])))
    assert.match(`${code} ${output}`, /^1 .*Permission denied/)
})

/** Says which user namespace it is in, and what it may do; then does as it was told. */
const PLANTED = `#!/bin/sh
id -u >>/data/said
readlink /proc/self/ns/user >>/data/said
mknod /data/device b 7 0 && echo made a device >>/data/said
mount -t tmpfs tmpfs /data && echo mounted >>/data/said
exit 9
`
walls('what a volume puts in place of the machine’s programs gets nothing from it', async ({ folder, data }) => {
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  for (const name of ['setpriv', 'env', 'perl', 'true']) writeFileSync(join(programs, name), PLANTED, { mode: 0o755 })
  for (const name of ['sh', 'id', 'readlink', 'mknod', 'mount', 'sleep']) symlinkSync(`/machine/${name}`, join(programs, name))
  const mounts: Mount[] = [
    { source: data, target: '/data' },
    { source: '/usr/bin', target: '/machine', readOnly: true },
    { source: programs, target: '/usr/bin' },
  ]
  const { container } = {
    container: await endOf(
      await startEnclosed({ sandbox: sandboxOf(data, { mounts }), command: ['true'], environment: ENVIRONMENT }),
    ),
  }
  assert.is(container.code, 9)
  const own = readlinkSync('/proc/self/ns/user')
  const said = readFileSync(join(data, 'said'), 'utf8')
  assert.not.match(said, own)
  assert.not.match(said, /made a device|mounted/)
})

walls('what a container’s root puts in place of a library gets nothing from `kubectl exec`', async ({ data }) => {
  const sandbox = sandboxOf(data, { identity: ROOT })
  const preload = 'echo /data/none.so >/etc/ld.so.preload && exec sleep 60'
  const container = await startEnclosed({ sandbox, command: ['sh', '-c', preload], environment: ENVIRONMENT })
  try {
    const first = (await firstProcess(container)) ?? 0
    const [outer, inner] = ['self', String(first)].map(pid => readlinkSync(`/proc/${pid}/ns/user`))
    assert.is.not(inner, outer)
    const { args } = entered(first, sandbox, ENVIRONMENT, ['true'])
    // Whatever is loaded is loaded in the container's user namespace.
    const { output } = await endOf(
      spawn('nsenter', [...args.slice(0, args.indexOf('--')), '--', 'readlink', '/proc/self/ns/user']),
    )
    assert.match(output, inner ?? '')
  } finally {
    container.kill('SIGKILL')
  }
})

const environments = [
  ['of a program', { LD_PRELOAD: '/PLACE/none.so' }],
  ['of Perl', { PERL5OPT: '-MNone', PERL5LIB: '/PLACE' }],
  ['of the C library', { GCONV_PATH: '/PLACE', LOCPATH: '/PLACE', GLIBC_TUNABLES: 'glibc.malloc.check=3' }],
  ['with signs of every kind', { A: 'a=b%25\n%0A "\'$\\', B: '', 'c.d-e': 'ü', F: '\t' }],
] as const
for (const [what, variables] of environments) {
  walls(`an environment ${what} is the container’s alone`, async ({ data }) => {
    const environment: Record<string, string> = { ...ENVIRONMENT, ...variables }
    const script = join(data, 'show')
    writeFileSync(script, '#!/bin/sh\nexec cat /proc/self/environ\n', { mode: 0o755 })
    for (const [way, { code, output }] of Object.entries(await both(sandboxOf(data), ['/data/show'], environment))) {
      assert.is(code, 0, `${way}: ${output}`)
      for (const [name, value] of Object.entries(environment).filter(([name]) => /^\w+$/.test(name)))
        assert.ok(`\0${output}\0`.includes(`${name}=${value}\0`), `${way}: ${name}`)
      assert.not.match(output, 'CONTAINER_ENVIRONMENT')
    }
  })
}
walls('bubblewrap and nsenter have nothing of it', async ({ data }) => {
  const library = '/PLACE/none.so'
  const sandbox = sandboxOf(data)
  const child = await startEnclosed({ sandbox, command: ['sleep', '60'], environment: { ...ENVIRONMENT, LD_PRELOAD: library } })
  try {
    const first = (await firstProcess(child)) ?? 0
    for (const pid of [child.pid, first])
      assert.not(
        readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .some(line => line.startsWith('LD_')),
      )
    const { environment } = entered(first, sandbox, { LD_PRELOAD: library }, ['true'])
    assert.equal(Object.keys(environment).sort(), ['CONTAINER_ENVIRONMENT', 'PATH'])
  } finally {
    child.kill('SIGKILL')
  }
})

walls('who one is, where, and how a command ends', async ({ data }) => {
  const sandbox = sandboxOf(data, { workingDirectory: '/data' })
  for (const [command, expected] of [
    ['id -u; id -g; id -G; pwd; hostname', '0 70\n70\n70 72\n/data\npod'],
    ['exit 7', '7 '],
    ['kill -9 $$', '137 '],
  ] as const)
    for (const [way, { code, output }] of Object.entries(await both(sandbox, ['sh', '-c', command])))
      if (way === 'container' || !command.startsWith('kill')) assert.is(`${code} ${output}`, expected, way)
  for (const { code, output } of Object.values(await both(sandbox, ['none']))) {
    assert.is(code, 127)
    assert.match(output, 'none: No such file or directory')
  }
  for (const { code } of Object.values(await both(sandbox, ['/data']))) assert.is(code, 126)
})
walls('ends with bubblewrap', async ({ data }) => {
  const child = await startEnclosed({
    sandbox: sandboxOf(data),
    command: ['sh', '-c', 'sleep 60 & wait'],
    environment: ENVIRONMENT,
  })
  const first = identify((await firstProcess(child)) ?? 0)
  assert.ok(first)
  child.kill('SIGKILL')
  assert.ok(await goneWithin([first], 5000))
})
walls('sees nothing in what is hidden but what is mounted there', async ({ data }) => {
  const sandbox = sandboxOf(data, {
    hidden: ['/usr/local'],
    mounts: [{ source: data, target: '/usr/local/lab/data', readOnly: true }],
  })
  assert.is(
    (await both(sandbox, ['find', '/usr/local', '-mindepth', '1'])).container.output,
    '/usr/local/lab\n/usr/local/lab/data',
  )
})
walls('an image’s links are links, and its special files are not there', async ({ folder, data }) => {
  const content = join(folder, 'content')
  mkdirSync(join(content, 'folder'), { recursive: true })
  writeFileSync(join(content, 'file'), 'text')
  symlinkSync(folder, join(content, 'out'))
  symlinkSync('file', join(content, 'in'))
  await exitOf(spawn('mkfifo', [join(content, 'pipe')]))
  const mounts = [{ source: data, target: '/data' }, ...contentMounts(content, '/app')]
  assertNoLinks(mounts)
  const { container } = await both(sandboxOf(data, { mounts }), ['sh', '-c', 'ls /app; cat /app/in; ls /app/out/'])
  assert.match(container.output, /^file\nfolder\nin\nout\ntext.*No such file or directory$/s)
})
walls.run()

const volumes = suite<Context>('volumes')
volumes.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'threads-ops-volumes-'))
  context.data = join(context.folder, 'data')
  mkdirSync(join(context.data, 'inner'), { recursive: true })
  writeFileSync(join(context.data, 'file'), '')
  symlinkSync('/etc', join(context.data, 'absolute'))
  symlinkSync('../..', join(context.data, 'relative'))
  symlinkSync('inner', join(context.data, 'within'))
  symlinkSync('/none', join(context.data, 'dangling'))
})
volumes.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))
for (const [subPath, found] of [
  ['', ''],
  ['inner', 'inner'],
  ['inner/./new//one', 'inner/new/one'],
  ['file', 'file'],
  ['..', undefined],
  ['inner/../..', undefined],
  ['absolute', undefined],
  ['absolute/new', undefined],
  ['relative', undefined],
  ['within', undefined],
  ['within/new', undefined],
  ['dangling', undefined],
  ['file/new', undefined],
] as const) {
  volumes(`subPath "${subPath}"`, ({ data }) => {
    if (found === undefined) assert.throws(() => subPathOf(data, subPath), /subPath .* leads (out|through)/)
    else {
      assert.is(subPathOf(data, subPath), join(data, found))
      assert.ok(existsSync(join(data, found)))
    }
  })
}
for (const [path, isOwn] of [
  ['/opt/local-path-provisioner/pvc-1', true],
  ['/mnt/none/none', true],
  ['/srv/a/../b', true],
  ['/opt', false],
  ['/opt/', false],
  ['/', false],
  ['/etc', false],
  ['/opt/../etc', false],
  ['/optional/x', false],
  ['/var/lib/k0s/pki', false],
  ['/proc/1', false],
  ['/dev', false],
  ['opt/x', true],
] as const) {
  volumes(`host path ${path}`, () => {
    if (isOwn) assert.match(ownPath(path), /^\/(opt|mnt|srv)\//)
    else assert.throws(() => ownPath(path), /is the machine's own/)
  })
}
volumes('a host path through a link', () => {
  const place = mkdtempSync('/opt/threads-ops-volumes-')
  try {
    for (const [name, to, message] of [
      ['out', '/etc', /the machine's own/],
      ['nowhere', '/etc/none', /leads nowhere/],
    ] as const) {
      symlinkSync(to, join(place, name))
      assert.throws(() => ownPath(join(place, name)), message)
      assert.throws(() => ownPath(join(place, name, 'passwd')), /the machine's own|leads nowhere/)
    }
  } finally {
    rmSync(place, { recursive: true })
  }
})
for (const [why, targets, isRefused] of [
  ['beside each other', ['/data', '/other'], false],
  ['in a folder', ['/data', '/data/inner/new'], false],
  ['through a link', ['/data', '/data/absolute/new'], true],
  ['at a link', ['/data', '/data/dangling'], true],
  ['through a link deeper in', ['/data', '/data/inner/../relative/x'], true],
] as const) {
  volumes(`a mount ${why}`, ({ data }) => {
    const check = () => assertNoLinks(targets.map(target => ({ source: data, target })))
    if (isRefused) assert.throws(check, /mount path ".*" leads through a symbolic link/)
    else assert.not.throws(check)
    assert.ok(lstatSync(data).isDirectory())
  })
}
volumes.run()
