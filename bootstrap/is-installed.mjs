// Exits 0 when node_modules holds what package-lock.json says. Times of files do not tell: npm writes its own record of what it
// installed before it writes the lock file.
import { readFileSync } from 'node:fs'

const packages = path => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url))).packages

try {
  const installed = packages('node_modules/.package-lock.json')
  const missing = Object.entries(packages('package-lock.json')).some(([path, { integrity, optional }]) => {
    if (path === '') return false
    // Another platform's package is rightly not there.
    return installed[path] ? installed[path].integrity !== integrity : !optional
  })
  process.exitCode = missing ? 1 : 0
} catch {
  process.exitCode = 1
}
