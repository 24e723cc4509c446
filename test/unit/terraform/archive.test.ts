import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { unzipped } from '../../../lib/terraform/archive.ts'

/** Of the files `tfplan` and `tfstate`, with a comment. */
const archives = {
  stored:
    'UEsDBBQAAAAAAAkLfV3lsSqKKAAAACgAAAAGAAAAdGZwbGFucHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcFBLAwQUAAAAAAAJC31ddm5HDA0AAAANAAAABwAAAHRmc3RhdGV7InZlcnNpb24iOjR9UEsBAhQDFAAAAAAACQt9XeWxKoooAAAAKAAAAAYAAAAAAAAAAAAAAIABAAAAAHRmcGxhblBLAQIUAxQAAAAAAAkLfV12bkcMDQAAAA0AAAAHAAAAAAAAAAAAAACAAUwAAAB0ZnN0YXRlUEsFBgAAAAACAAIAaQAAAH4AAAACAFBL',
  deflated:
    'UEsDBBQAAAAIAAkLfV3lsSqKBgAAACgAAAAGAAAAdGZwbGFuKyggDgAAUEsDBBQAAAAIAAkLfV12bkcMDwAAAA0AAAAHAAAAdGZzdGF0ZatWKkstKs7Mz1OyMqkFAFBLAQIUAxQAAAAIAAkLfV3lsSqKBgAAACgAAAAGAAAAAAAAAAAAAACAAQAAAAB0ZnBsYW5QSwECFAMUAAAACAAJC31ddm5HDA8AAAANAAAABwAAAAAAAAAAAAAAgAEqAAAAdGZzdGF0ZVBLBQYAAAAAAgACAGkAAABeAAAAAgBQSw==',
}

const unzip = suite('unzipped')
for (const [how, archive] of Object.entries(archives)) {
  const bytes = Buffer.from(archive, 'base64')
  unzip(`a file that is ${how}`, () => assert.is(unzipped(bytes, 'tfstate'), '{"version":4}'))
  unzip(`no file of that name, ${how}`, () => assert.is(unzipped(bytes, 'tfstate-prev'), undefined))
}
unzip('what is no archive', () => assert.throws(() => unzipped(Buffer.from('hello'), 'tfstate'), /not a zip archive/))
unzip.run()
