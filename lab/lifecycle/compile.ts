/**
 * Has Node keep in NODE_COMPILE_CACHE what it compiles of programs, which are not run: `node compile.ts FILE…`. A daemon that starts
 * with everything compiled holds no compiler for as long as it lives, which would be a third of its memory.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

for (const file of process.argv.slice(2)) {
  // All that a module imports is compiled before anything of it runs; this one then asks for what is not there, and nothing runs.
  const module = `import '${pathToFileURL(resolve(file))}'; import { nothing } from 'node:fs'`
  await import(`data:text/javascript,${encodeURIComponent(module)}`).catch(error => {
    if (!(error instanceof SyntaxError)) throw error
  })
}
