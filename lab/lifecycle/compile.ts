/**
 * Compiles programs into NODE_COMPILE_CACHE without running them: `node compile.ts FILE…`. A daemon that starts with everything
 * compiled never loads the compiler, which would take a third of its memory for as long as it lives.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

for (const file of process.argv.slice(2)) {
  // Node compiles all imports of a module before it runs any; this module imports a name that does not exist, so nothing runs.
  const module = `import '${pathToFileURL(resolve(file))}'; import { nothing } from 'node:fs'`
  await import(`data:text/javascript,${encodeURIComponent(module)}`).catch(error => {
    if (!(error instanceof SyntaxError)) throw error
  })
}
