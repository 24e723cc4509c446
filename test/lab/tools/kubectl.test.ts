import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { programPath } from '../../../lab/tools/catalog.ts'
import { prepareKubectl } from '../../../lab/tools/kubectl.ts'

const path = process.env.PATH
const folder = mkdtempSync(join(tmpdir(), 'kubectl-'))
const bin = join(folder, 'bin')
const kubectl = suite('the lab’s kubectl')
kubectl.after(() => {
  process.env.PATH = path
  rmSync(folder, { recursive: true })
})

kubectl('is the catalogue’s where the machine has none', async () => {
  process.env.PATH = join(folder, 'nothing')
  await prepareKubectl({ bin })
  assert.is(readlinkSync(join(bin, 'kubectl')), programPath('kubectl'))
})
kubectl('is the machine’s once it has one, and never itself', async () => {
  const own = join(folder, 'own')
  mkdirSync(own)
  writeFileSync(join(own, 'kubectl'), '#!/bin/sh\n')
  chmodSync(join(own, 'kubectl'), 0o755)
  process.env.PATH = [bin, own].join(delimiter)
  await prepareKubectl({ bin })
  await prepareKubectl({ bin })
  assert.is(readlinkSync(join(bin, 'kubectl')), join(own, 'kubectl'))
})
kubectl.run()
