import type { Router } from '../http/router.ts'
import {
  allZones,
  defaultServiceAccount,
  diskType,
  diskTypes,
  machineType,
  machineTypes,
  projectNamed,
  region,
  regions,
  zone,
} from './catalogue.ts'
import { type Cloud, mutating } from './cloud.ts'
import { asked } from './family.ts'
import { aggregatedReply, listReply } from './list.ts'
import { completeMetadata } from './metadata.ts'
import { quotasOf } from './quota.ts'
import { checkFingerprint, linkTo } from './resource.ts'

const BASE = '/compute/v1/projects/{project}'

/** What is read-only: the project, its regions and zones, machine types and disk types. */
export function servePlaces(router: Router, cloud: Cloud): void {
  serveProject(router, cloud)
  const withQuotas = (project: string, name: string) => ({
    ...region(project, name),
    quotas: quotasOf(cloud, project, name),
  })
  router.get(`${BASE}/regions`, call => {
    const project = call.param('project')
    return listReply(
      call,
      'compute#region',
      regions(project).map(({ name }) => withQuotas(project, name)),
    )
  })
  router.get(`${BASE}/regions/{region}`, call => ({ json: withQuotas(call.param('project'), call.param('region')) }))
  router.get(`${BASE}/zones`, call => listReply(call, 'compute#zone', allZones(call.param('project'))))
  router.get(`${BASE}/zones/{zone}`, call => ({ json: zone(call.param('project'), call.param('zone')) }))
  serveTypes(router, 'machineTypes', 'compute#machineType', machineType, machineTypes)
  serveTypes(router, 'diskTypes', 'compute#diskType', diskType, diskTypes)
}

function serveProject(router: Router, cloud: Cloud): void {
  router.get(BASE, call => {
    const project = call.param('project')
    const { number } = projectNamed(project)
    return {
      json: {
        kind: 'compute#project',
        id: number,
        name: project,
        creationTimestamp: '2025-10-01T00:00:00.000-07:00',
        commonInstanceMetadata: cloud.projectMetadata(project),
        defaultServiceAccount: defaultServiceAccount(project),
        defaultNetworkTier: 'PREMIUM',
        quotas: quotasOf(cloud, project),
        xpnProjectStatus: 'UNSPECIFIED_XPN_PROJECT_STATUS',
        selfLink: linkTo(`projects/${project}`),
      },
    }
  })
  router.post(
    `${BASE}/setCommonInstanceMetadata`,
    mutating(cloud, async call => {
      const sent = await call.json()
      const project = call.param('project')
      const { fingerprint } = cloud.projectMetadata(project)
      // Unlike for an instance, a project's fingerprint may be omitted.
      if (sent.fingerprint !== undefined) checkFingerprint('fingerprint', sent.fingerprint, fingerprint)
      const metadata = completeMetadata(sent)
      const target = { target: `projects/${project}`, targetId: projectNamed(project).number }
      const operation = cloud.operations.begin({ ...asked(call), type: 'setCommonInstanceMetadata', ...target })
      await cloud.setProjectMetadata(project, metadata)
      return operation
    }),
  )
}

interface Type {
  name: string
  selfLink: string
}

function serveTypes(
  router: Router,
  field: string,
  kind: string,
  one: (project: string, zone: string, name: string) => Type,
  all: (project: string, zone: string) => Type[],
): void {
  router.get(`${BASE}/zones/{zone}/${field}`, call => {
    const { name } = zone(call.param('project'), call.param('zone'))
    return listReply(call, kind, all(call.param('project'), name))
  })
  router.get(`${BASE}/zones/{zone}/${field}/{name}`, call => {
    const { name } = zone(call.param('project'), call.param('zone'))
    return { json: one(call.param('project'), name, call.param('name')) }
  })
  router.get(`${BASE}/aggregated/${field}`, call => {
    const project = call.param('project')
    const zones = allZones(project).map(({ name }) => name)
    const types = zones.flatMap(name => all(project, name))
    return aggregatedReply(
      call,
      kind,
      field,
      zones.map(name => `zones/${name}`),
      types,
    )
  })
}
