import { parseReference } from '../image/reference.ts'
import { updaterImages } from '../image/updater.ts'
import { type Finding, underway } from './finding.ts'
import { type Application, nameOf } from './objects.ts'

/**
 * Pods start with the tag in the manifests, mostly `latest`, until the Image Updater has chosen a build; then they are replaced.
 * Until that has happened the system has not settled.
 */
export const pinnedFindings = (applications: readonly Application[]): Finding[] =>
  applications.flatMap(application => {
    const running = (application.status?.summary?.images ?? []).map(parseReference)
    const unpinned = updaterImages(application).flatMap(({ image, allows }) =>
      running.filter(({ repository, tag = '' }) => repository === image && !allows(tag)),
    )
    if (unpinned.length === 0) return []
    const images = unpinned.map(({ repository, tag }) => `${repository}:${tag}`)
    const message = `runs ${images.join(', ')}: the Image Updater has not chosen a build yet`
    const remedy = 'kubectl -n argocd logs deployment/argocd-image-updater-controller; is there a tag that it accepts?'
    return [underway('image/unpinned', nameOf('Application', application), message, { evidence: { images }, remedy })]
  })
