import { readFileSync } from 'node:fs'

const shim = new URL('./k0s', import.meta.url)

/** The stand-in's binary for a version, e.g. `v1.34.1+k0s.0`. The control plane that it runs is always the same. */
export const k0sBinary = (version: string): string => readFileSync(shim, 'utf8').replace(/v[\d.]+\+k0s\.\d+/, version)
