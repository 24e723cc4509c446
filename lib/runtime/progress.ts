/** One line of progress for several that run at the same time. */
export interface SharedProgress {
  /** Runs something under its name, with a progress of its own. */
  run<T>(name: string, work: (progress: (detail: string) => void) => Promise<T>): Promise<T>
  /** The line is about this one now: it goes without its name, and before the others. */
  turn(name: string): void
}

/** @param report takes the line: `3/4 · create a; beside it Layer 01-k8s: reading, Layer 02-argocd-app` */
export function shareProgress(report: (line: string) => void): SharedProgress {
  const details = new Map<string, string>()
  let current: string | undefined
  const say = () => {
    const own = details.get(current ?? '') ?? ''
    const others = [...details]
      .filter(([name]) => name !== current)
      .map(([name, detail]) => (detail ? `${name}: ${detail}` : name))
      .join(', ')
    const beside = current !== undefined && others ? `beside it ${others}` : others
    report([own, beside].filter(Boolean).join('; '))
  }
  return {
    async run(name, work) {
      details.set(name, '')
      say()
      try {
        return await work(detail => {
          details.set(name, detail)
          say()
        })
      } finally {
        details.delete(name)
        say()
      }
    },
    turn(name) {
      current = name
      say()
    },
  }
}
