import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { emptyTar } from '../../../lab/delivery/oci.ts'
import { Images, PullError } from '../../../lab/machine/node-agent/images.ts'
import { withServer } from '../../unit/support/server.ts'
import { type TarEntry, tarOf } from '../support/tar.ts'

const file = (name: string, mode = 0o644): TarEntry => ({ name, mode })
const link = (name: string, to: string): TarEntry => ({ name, type: 'symlink', to })
const hardLink = (name: string, to: string): TarEntry => ({ name, type: 'link', to })
const folder = (name: string, mode = 0o755): TarEntry => ({ name, type: 'directory', mode })

const layerOf = (entries: readonly TarEntry[]): Buffer => gzipSync(tarOf(entries))

const digestOf = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

interface Pulled {
  /** What the image holds: paths, of links with where they lead. */
  found: string[]
  error: Error | undefined
  content: string
}

interface Changes {
  /** Served under a digest in place of what has it. */
  served?: (digest: string, body: Buffer | string) => Buffer | string
  header?: string
  digest?: (digest: string) => string
  version?: string
}

/** Pulls an image with these layers into `<outside>/machine`, where `outside` has a file `victim` and a folder `victims`. */
async function pull(
  layers: readonly (readonly TarEntry[])[],
  test: (pulled: Pulled, outside: string) => void,
  changes: Changes = {},
) {
  const { served = (_, body) => body, digest = same => same } = changes
  const outside = mkdtempSync(join(tmpdir(), 'threads-ops-layers-'))
  try {
    writeFileSync(join(outside, 'victim'), 'as it was')
    mkdirSync(join(outside, 'victims'))
    writeFileSync(join(outside, 'victims/victim'), 'as it was')
    const bodies = layers.map(entries => layerOf(entries.map(entry => placed(entry, outside))))
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64' })
    const manifest = JSON.stringify({
      config: { digest: digestOf(config), size: config.length },
      layers: bodies.map(body => ({ digest: digest(digestOf(body)), size: body.length })),
    })
    const known = new Map<string, Buffer | string>([config, ...bodies].map(body => [digestOf(body), body]))
    await withServer(
      (request, response) => {
        const last = request.url?.split('/').at(-1) ?? ''
        response.setHeader('docker-content-digest', changes.header ?? digestOf(manifest))
        const body = request.url?.includes('/manifests/') ? manifest : known.get(last)
        if (body === undefined) response.writeHead(404).end()
        else response.end(served(request.url?.includes('/manifests/') ? 'manifest' : last, body))
      },
      async url => {
        mkdirSync(join(outside, 'machine'))
        const machine = new Images(url, join(outside, 'machine/images.json'))
        const image = await machine.pull(`quay.io/a/b${changes.version ?? ':1'}`).catch((error: Error) => error)
        const error = image instanceof Error ? image : undefined
        const content = image instanceof Error ? join(outside, 'machine/images/none') : image.content
        test({ found: listed(content), error, content }, outside)
      },
    )
    assert.is(readFileSync(join(outside, 'victim'), 'utf8'), 'as it was')
    assert.equal(readdirSync(join(outside, 'victims')), ['victim'])
    assert.is(readFileSync(join(outside, 'victims/victim'), 'utf8'), 'as it was')
    assert.equal(readdirSync(outside).sort(), ['machine', 'victim', 'victims'])
    const images = join(outside, 'machine/images')
    if (existsSync(images)) assert.is(statSync(images).mode & 0o777, 0o700)
  } finally {
    rmSync(outside, { recursive: true, force: true })
  }
}

/** OUTSIDE stands for the folder around the image's, which the image's author has guessed. */
const placed = (entry: TarEntry, outside: string): TarEntry => {
  const within = (text: string) => text.replace('OUTSIDE', outside)
  return { ...entry, name: within(entry.name), ...(entry.to !== undefined && { to: within(entry.to) }) }
}

/** Sorted; Node's own recursion would follow links. */
const listed = (content: string, below = ''): string[] =>
  (existsSync(content) ? readdirSync(join(content, below)) : [])
    .flatMap(entry => {
      const name = join(below, entry)
      const found = lstatSync(join(content, name))
      if (found.isDirectory()) return [`${name}/`, ...listed(content, name)]
      return [found.isSymbolicLink() ? `${name} -> ${readlinkSync(join(content, name))}` : name]
    })
    .sort()

const escapes = suite('no layer reaches what is outside its image')
for (const [why, layers] of [
  ['a file by an absolute path', [[file('OUTSIDE/victim')]]],
  ['a new file by an absolute path', [[file('OUTSIDE/new')]]],
  ['a file by parent folders', [[file('../../../victim')]]],
  ['a file by parent folders further in', [[file('a/../../../../victim')]]],
  ['a folder by parent folders', [[folder('../../../victims/new/')]]],
  ['a symbolic link, then a file through it', [[link('a', 'OUTSIDE'), file('a/victim')]]],
  ['a relative symbolic link, then a file through it', [[link('a', '../../..'), file('a/victim')]]],
  ['a symbolic link, then a file in its place', [[link('a', 'OUTSIDE/victim'), file('a')]]],
  ['a chain of links', [[link('a', 'b'), link('b', '../../..'), file('a/victim')]]],
  ['a link in one layer, a file through it in the next', [[link('a', 'OUTSIDE')], [file('a/victim')]]],
  ['a relative link in one layer, a file through it in the next', [[link('a', '../../..')], [file('a/victim')]]],
  ['a link in one layer, a new file through it in the next', [[link('a', 'OUTSIDE')], [file('a/new')]]],
  ['a link in one layer, a file in its place in the next', [[link('a', 'OUTSIDE/victim')], [file('a')]]],
  ['a link in one layer, a folder in its place in the next', [[link('a', 'OUTSIDE/victims')], [folder('a/'), file('a/new')]]],
  ['a link deeper in, a file through it', [[folder('x/'), link('x/a', 'OUTSIDE')], [file('x/a/new')]]],
  ['a hard link by an absolute path', [[hardLink('a', 'OUTSIDE/victim'), file('a')]]],
  ['a hard link by parent folders', [[hardLink('a', '../../../victim')], [file('a')]]],
  ['a hard link through a symbolic link', [[link('l', 'OUTSIDE')], [hardLink('a', 'l/victim')], [file('a')]]],
  ['a hard link to a symbolic link', [[link('l', 'OUTSIDE'), hardLink('a', 'l')], [file('a/victim')]]],
  ['a whiteout through a link', [[link('a', 'OUTSIDE')], [file('a/.wh.victim')]]],
  ['a whiteout of a folder through a link', [[link('a', 'OUTSIDE')], [file('a/.wh.victims')]]],
  ['a whiteout by an absolute path', [[file('OUTSIDE/.wh.victim')]]],
  ['a whiteout by parent folders', [[file('../../../.wh.victim')]]],
  ['a whiteout of the parent folder', [[folder('a/')], [file('a/.wh...')]]],
  ['a whiteout of the parent folder at the top', [[file('.wh...')]]],
  ['a whiteout of the folder itself', [[file('.wh..')]]],
  ['a whiteout of nothing', [[file('.wh.')]]],
  ['an opaque folder through a link', [[link('a', 'OUTSIDE/victims')], [file('a/.wh..wh..opq')]]],
  ['an opaque folder that is a link, in one layer', [[link('a', 'OUTSIDE/victims'), file('a/.wh..wh..opq')]]],
  ['a whiteout that is a link', [[link('.wh.a', 'OUTSIDE/victims')]]],
] as const) {
  escapes(why, () => pull(layers, () => undefined))
}
for (const type of ['character-device', 'block-device'] as const) {
  escapes(`no ${type}`, () =>
    pull([[{ name: 'device', type }]], ({ error, found }) => {
      assert.match(String(error), /Operation not permitted/)
      assert.equal(found, [])
    }),
  )
}
escapes('a link is kept as it is', () =>
  pull([[link('a', 'OUTSIDE'), file('b')]], ({ found }, outside) => assert.equal(found, [`a -> ${outside}`, 'b'])),
)
escapes.run()

const layering = suite('layers')
for (const [why, layers, expected] of [
  ['one', [[folder('a/'), file('a/b')]], ['a/', 'a/b']],
  ['none', [], []],
  [
    'one upon another',
    [
      [file('a'), file('b')],
      [file('b'), file('c')],
    ],
    ['a', 'b', 'c'],
  ],
  [
    'a folder goes on',
    [
      [folder('a/'), file('a/b')],
      [folder('a/'), file('a/c')],
    ],
    ['a/', 'a/b', 'a/c'],
  ],
  ['a file in place of a folder', [[folder('a/'), file('a/b')], [file('a')]], ['a']],
  ['a folder in place of a file', [[file('a')], [folder('a/'), file('a/b')]], ['a/', 'a/b']],
  ['a whiteout', [[file('a'), file('b')], [file('.wh.a')]], ['b']],
  ['a whiteout of a folder', [[folder('a/'), file('a/b'), file('c')], [file('.wh.a')]], ['c']],
  ['a whiteout of a link, not of what it leads to', [[file('a'), link('b', 'a')], [file('.wh.b')]], ['a']],
  ['a whiteout of what never was', [[file('a')], [file('.wh.b')]], ['a']],
  ['a whiteout, then the same again', [[file('a')], [file('.wh.a')], [file('a')]], ['a']],
  ['a whiteout hides nothing of its own layer', [[file('a')], [file('.wh.a'), file('a')]], ['a']],
  [
    'an opaque folder',
    [
      [folder('a/'), file('a/b')],
      [folder('a/'), file('a/.wh..wh..opq'), file('a/c')],
    ],
    ['a/', 'a/c'],
  ],
  [
    'an opaque folder, told last',
    [
      [folder('a/'), file('a/b')],
      [folder('a/'), file('a/c'), file('a/.wh..wh..opq')],
    ],
    ['a/', 'a/c'],
  ],
  ['links within', [[file('a'), link('b', 'a'), hardLink('c', 'a')]], ['a', 'b -> a', 'c']],
  ['a folder that its owner may not write', [[folder('a/', 0o555), file('a/b')], [file('a/c')]], ['a/', 'a/b', 'a/c']],
  ['names with blanks and line breaks', [[file(' a\nb ')], [file('.wh. a\nb '), file('-c')]], ['-c']],
] as const) {
  layering(why, () =>
    pull(layers, ({ found, error }) => {
      assert.not(error, String(error))
      assert.equal(found, [...expected])
    }),
  )
}
layering('modes are the image’s', () =>
  pull(
    [
      [folder('a/', 0o750), file('a/b', 0o755)],
      [folder('a/', 0o750), file('a/c', 0o600)],
    ],
    ({ content }) => {
      const modes = ['a', 'a/b', 'a/c'].map(name => (statSync(join(content, name)).mode & 0o777).toString(8))
      assert.equal(modes, ['750', '755', '600'])
    },
  ),
)
layering.run()

const digests = suite('what the registry sends is what the manifest names')
const layer = [file('a')]
const other = 'sha256:'.concat('0'.repeat(64))
for (const [why, changes, message] of [
  ['another layer', { served: (_, body) => (typeof body === 'string' ? body : gzipSync(emptyTar)) }, /digest/],
  [
    'another configuration',
    { served: (digest, body) => (digest !== 'manifest' && typeof body === 'string' ? '{}' : body) },
    /digest/,
  ],
  ['another manifest than the digest asked for', { version: `@${other}` }, /digest/],
  ['a layer’s digest that is a path', { digest: () => '../../../v2/x' }, /digest/],
  ['no digest at all', { digest: () => undefined as unknown as string }, /digest/],
] as [string, Changes, RegExp][]) {
  digests(why, () =>
    pull(
      [layer],
      ({ error }) => {
        assert.instance(error, PullError)
        assert.match(String(error), message)
      },
      changes,
    ),
  )
}
digests('the folder is never named by what the registry says', () =>
  pull(
    [layer],
    ({ found, content }, outside) => {
      assert.equal(found, ['a'])
      assert.ok(content.startsWith(join(outside, 'machine/images/')))
    },
    { header: 'sha256:../../victims/../new' },
  ),
)
digests.run()
