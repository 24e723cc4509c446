/** What the host must run. */
export interface Wanted {
  architecture: string
  version: string
  /** Of the binary, hex. */
  sha256: string
  /** Content of /etc/k0s/k0s.yaml. */
  config: string
  /** Arguments of `k0s install controller`. */
  flags: readonly string[]
  /** The service's environment variables. */
  environment: Record<string, string>
  nodeName: string
}
