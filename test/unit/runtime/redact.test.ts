import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { neverShow, redact } from '../../../lib/runtime/redact.ts'

const KEY = '-----BEGIN KEY-----\nab"cd\\ef\n-----END KEY-----'
for (const secret of ['ya29.token', 'ya29.token-and-more', KEY, 'short', '', '$&.*(special)']) neverShow(secret)

const redaction = suite('redact')
for (const [why, text, expected] of [
  ['nothing secret', 'all is well', 'all is well'],
  ['a secret', 'Bearer ya29.token', 'Bearer [redacted]'],
  ['twice', 'ya29.token ya29.token', '[redacted] [redacted]'],
  ['one that begins like another', 'Bearer ya29.token-and-more', 'Bearer [redacted]'],
  ['characters that mean something to a pattern', 'a $&.*(special) b', 'a [redacted] b'],
  ['an ordinary word is no secret', 'short', 'short'],
  ['more than one line', `key: ${KEY}!`, 'key: [redacted]!'],
  ['in JSON in JSON', JSON.stringify(JSON.stringify({ key: KEY })), '"{\\"key\\":\\"[redacted]\\"}"'],
  ['in a URL', `?a=${encodeURIComponent(KEY)}&b`, '?a=[redacted]&b'],
  ['in a form', new URLSearchParams({ a: KEY, b: 'c' }).toString(), 'a=[redacted]&b=c'],
  ['in base64', `x ${btoa(KEY)} x`, 'x [redacted] x'],
  ['in base64 for URLs', `x ${Buffer.from(KEY).toString('base64url')} x`, 'x [redacted] x'],
  ['in the middle of base64', btoa(`xyz${KEY}`), `${btoa('xyz')}[redacted]`],
  ['within a JSON document', JSON.stringify({ key: KEY }), '{"key":"[redacted]"}'],
] as const) {
  redaction(why, () => assert.is(redact(text), expected))
}
redaction.run()
