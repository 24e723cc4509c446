import { parseReference } from '../image/reference.ts'
import { updaterImages } from '../image/updater.ts'
import { type Finding, underway } from './finding.ts'
import { type Application, nameOf } from './objects.ts'

/**
 * Pods start with what the manifests say, mostly `latest`, until the Image Updater has chosen a build. Then they are replaced: a
 * system in which that is still to come is not at rest.
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
    const remedy = 'kubectl -n argocd logs deployment/argocd-image-updater-controller; is there a tag that it may take?'
    return [underway('image/unpinned', nameOf('Application', application), message, { evidence: { images }, remedy })]
  })
