import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx/core'
import type { Checkout } from './checkout.ts'

/** The sample application's repository in a checkout's lab, as its developers have it. */
export interface ApplicationRepository {
  /** The commit that master is at. */
  head(): Promise<string>
  /** Subjects of master's commits, newest first. */
  subjects(): Promise<string[]>
  /** Changes a file on master and pushes it. @returns the commit */
  change(message: string, file: string, from: string, to: string): Promise<string>
}

export async function applicationRepository({ directory }: Checkout): Promise<ApplicationRepository> {
  const { git: server } = JSON.parse(await readFile(join(directory, '.lab/endpoints.json'), 'utf8')) as { git: string }
  const token = (await readFile(join(directory, '.lab/token'), 'utf8')).trim()
  const url = `${server}/unknowntpo/threads-nextjs.git`
  const env = {
    ...process.env,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Bearer ${token}`,
  }

  async function inClone<T>(work: (git: typeof $, clone: string) => Promise<T>): Promise<T> {
    const clone = await mkdtemp(join(tmpdir(), 'threads-ops-test-application-'))
    try {
      await $({ quiet: true })`git clone --quiet ${url} ${clone}`
      return await work($({ quiet: true, cwd: clone, env }), clone)
    } finally {
      await rm(clone, { recursive: true, force: true })
    }
  }

  return {
    head: () => inClone(async git => (await git`git rev-parse HEAD`).stdout.trim()),
    subjects: () => inClone(async git => (await git`git log --format=%s`).stdout.trim().split('\n')),
    change: (message, file, from, to) =>
      inClone(async (git, clone) => {
        const text = await readFile(join(clone, file), 'utf8')
        if (!text.includes(from)) throw new Error(`${file} has no "${from}"`)
        await writeFile(join(clone, file), text.replace(from, to))
        await git`git -c user.name=test -c user.email=test@localhost commit --quiet --all --message ${message}`
        await git`git push --quiet origin master`
        return (await git`git rev-parse HEAD`).stdout.trim()
      }),
  }
}
