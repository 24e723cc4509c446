import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TestLab } from './support/lab.ts'
import { violations } from './support/schema.ts'

const families = suite<{ lab: TestLab }>('public image families')

families.before(async context => {
  context.lab = await TestLab.start()
})
families.after(({ lab }) => lab.stop())

for (const [project, family, architecture] of [
  ['debian-cloud', 'debian-12', 'X86_64'],
  ['debian-cloud', 'debian-12-arm64', 'ARM64'],
  ['debian-cloud', 'debian-13', 'X86_64'],
  ['debian-cloud', 'debian-13-arm64', 'ARM64'],
  ['ubuntu-os-cloud', 'ubuntu-2204-lts', 'X86_64'],
  ['ubuntu-os-cloud', 'ubuntu-2204-lts-arm64', 'ARM64'],
  ['ubuntu-os-cloud', 'ubuntu-2404-lts-amd64', 'X86_64'],
  ['ubuntu-os-cloud', 'ubuntu-2404-lts-arm64', 'ARM64'],
] as const) {
  families(`${project}/${family}`, async ({ lab }) => {
    const image = await lab.compute('GET', `global/images/family/${family}`, undefined, project)
    assert.equal([image.family, image.architecture, violations('Image', image)], [family, architecture, []])
    assert.match(String(image.licenses), new RegExp(`/projects/${project}/global/licenses/`))
    const sourceImage = `projects/${project}/global/images/family/${family}`
    const { error } = await lab.done('POST', 'zones/us-east1-b/disks', { name: family, sourceImage })
    assert.is(error, undefined)
  })
}

families.run()
