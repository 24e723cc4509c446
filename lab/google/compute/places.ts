import type { Router } from '../http/router.ts'
import {
  allZones,
  checkProject,
  diskType,
  diskTypes,
  machineType,
  machineTypes,
  PROJECT,
  region,
  regions,
  zone,
} from './catalogue.ts'
import { aggregatedReply, listReply } from './list.ts'
import { fingerprint, linkTo } from './resource.ts'

const BASE = '/compute/v1/projects/{project}'

/** What can only be read: the project, its regions and zones, machine types and disk types. */
export function servePlaces(router: Router): void {
  router.get(BASE, call => {
    const project = call.param('project')
    checkProject(project)
    return {
      json: {
        kind: 'compute#project',
        id: PROJECT.number,
        name: project,
        creationTimestamp: '2025-10-01T00:00:00.000-07:00',
        commonInstanceMetadata: { kind: 'compute#metadata', fingerprint: fingerprint([]) },
        defaultServiceAccount: `${PROJECT.number}-compute@developer.gserviceaccount.com`,
        quotas: [],
        xpnProjectStatus: 'UNSPECIFIED_XPN_PROJECT_STATUS',
        selfLink: linkTo(`projects/${project}`),
      },
    }
  })
  router.get(`${BASE}/regions`, call => listReply(call, 'compute#region', regions(call.param('project'))))
  router.get(`${BASE}/regions/{region}`, call => ({ json: region(call.param('project'), call.param('region')) }))
  router.get(`${BASE}/zones`, call => listReply(call, 'compute#zone', allZones(call.param('project'))))
  router.get(`${BASE}/zones/{zone}`, call => ({ json: zone(call.param('project'), call.param('zone')) }))
  serveTypes(router, 'machineTypes', 'compute#machineType', machineType, machineTypes)
  serveTypes(router, 'diskTypes', 'compute#diskType', diskType, diskTypes)
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
