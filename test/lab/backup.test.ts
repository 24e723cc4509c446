import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Checkout, makeCheckout } from './support/checkout.ts'
import { bringUp } from './support/kept-lab.ts'

/** A backup that is taken while the database is written to, listed, and proven to restore. */
interface Context {
  checkout: Checkout
}
const story = suite<Context>('backups')

story.before(async context => {
  context.checkout = await makeCheckout()
  const { code, stderr } = await bringUp(context.checkout)
  assert.is(code, 0, stderr)
})
story.after(async ({ checkout }) => checkout.remove())

const psql = async ({ checkout }: Context, statement: string): Promise<string> => {
  const command = ['-n', 'threads', 'exec', 'deploy/postgres', '--', 'psql', '-U', 'threads', '-XqAtc', statement]
  const { code, stdout, stderr } = await checkout.task('kubectl', '--', ...command)
  assert.is(code, 0, stderr)
  return stdout.trim()
}

interface Document {
  backups: { name: string; verified: string | null; manifest: { tables: { table: string; rows: number }[] } }[]
}

story('taken, listed, verified', async context => {
  const { checkout } = context
  await psql(context, 'CREATE TABLE ledger AS SELECT n AS id, 100 AS balance FROM generate_series(1, 1000) n')
  const databases = await psql(context, 'SELECT count(*) FROM pg_database')
  const taken = await checkout.json('backup')
  assert.is(taken.code, 0, taken.stderr)
  const verified = await checkout.json('backup:verify')
  assert.is(verified.code, 0, verified.stderr)
  const listed = await checkout.json('backup:list')
  const { backups } = listed.document as unknown as Document
  assert.is(backups.length, 1)
  assert.equal(backups[0]?.manifest.tables.find(({ table }) => table === 'public.ledger')?.rows, 1000)
  assert.type(backups[0]?.verified, 'string')
  assert.is(await psql(context, 'SELECT count(*) FROM pg_database'), databases)
})
story('a database that is not configured: 2; a dry run takes none', async ({ checkout }) => {
  assert.is((await checkout.json('backup', 'elsewhere')).code, 2)
  assert.is((await checkout.json('backup', '--dry-run')).code, 8)
  assert.is(((await checkout.json('backup:list')).document as unknown as Document).backups.length, 1)
})
story.run()
