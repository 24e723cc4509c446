/** A failure as k0s reports it: `Error: <message>` on stderr, exit code 1. */
export class K0sError extends Error {}
