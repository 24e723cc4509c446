/** https://git-scm.com/docs/git-check-ref-format; beginning with a hyphen it would be an option. */
const NOT_A_BRANCH = /^[-/.]|[\s~^:?*[\\\p{Cc}]|\.\.|\/\/|@\{|\/\.|\.lock(\/|$)|[/.]$|^@$|^$/u

export const isBranch = (name: string): boolean => !NOT_A_BRANCH.test(name)

/** A whole commit id, of either kind of repository. */
export const isCommit = (text: string): boolean => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

const HOST = String.raw`(\w[\w.~-]*@)?(\w[\w.-]*|\[[\da-f:]+\])`
const REMOTE = new RegExp(
  String.raw`^((https?|ssh)://${HOST}(:\d+)?(/[^\s\p{Cc}]*)?|${HOST}:(?![-:]|//)[^\s\p{Cc}]+|file:///[^\p{Cc}]*)$`,
  'iu',
)

/** The protocols in which git is let out: not `ext`, which is a command. As `GIT_ALLOW_PROTOCOL` names them. */
export const GIT_PROTOCOLS = 'file:http:https:ssh'

/** Whether git takes this for a repository at a host, or in a folder, and for nothing else. */
export const isRemote = (url: string): boolean => REMOTE.test(url)
