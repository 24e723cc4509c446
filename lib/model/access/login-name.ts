const LONGEST = 32
const NAME = /^[A-Za-z_][\w.-]{0,31}$/

/**
 * The user on a VM of whoever has this name on their own machine. As with `gcloud compute ssh` it is the same; a name that Linux does not
 * take is changed as gcloud changes that of an account: in lower case, with `_` for what is neither a letter nor a digit, and a `g` ahead
 * of what does not begin with a letter.
 */
export function loginName(local: string): string {
  if (NAME.test(local)) return local
  const plain = local.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')
  return (/^[a-z]/.test(plain) ? plain : `g${plain}`).slice(0, LONGEST)
}
