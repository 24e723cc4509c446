import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { declaredVariables } from '../../../../lib/model/layer/variables.ts'

const declares = suite('the variables that a root declares')
for (const [what, file, text, expected] of [
  ['in the usual form', 'variables.tf', 'variable "token" {\n  sensitive = true\n}\n', ['token']],
  ['without quotes', 'a.tf', 'variable token {}', ['token']],
  ['further in, and among others', 'a.tf', 'locals {}\n  variable  "token"  {}\nvariable "key" {}', ['token', 'key']],
  ['in JSON', 'a.tf.json', '{"variable":{"token":{"sensitive":true}}}', ['token']],
  ['in JSON, as a list', 'a.tf.json', '{"variable":[{"key":{}},{"token":{}}]}', ['token', 'key']],
  ['not one whose name only begins so', 'a.tf', 'variable "token_2" {}', []],
  ['not one that is only used', 'a.tf', 'output "it" { value = var.token }', []],
  ['not in a comment', 'a.tf', '# variable "token" {}', []],
  ['none in JSON without variables', 'a.tf.json', '{"output":{}}', []],
  ['none in JSON that is none', 'a.tf.json', '{', []],
] as const) {
  declares(what, () => assert.equal(declaredVariables(['token', 'key'], new Map([[file, text]])), [...expected]))
}
declares.run()
