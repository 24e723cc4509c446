import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { endpointVariables } from '../../../lib/terraform/environment.ts'

const environment = suite('endpoint variables')

const at = 'http://127.0.0.1:8080'
const endpoints = {
  compute: `${at}/compute/v1/`,
  storage: at,
  iam: `${at}/`,
  resourceManager: `${at}/`,
  serviceUsage: `${at}/`,
}

const versioned = ['IAM', 'IAM_BETA', 'RESOURCE_MANAGER', 'CLOUD_RESOURCE_MANAGER', 'SERVICE_USAGE']
for (const service of versioned) {
  environment(`${service} carries its version, as Google's own base path does`, () => {
    assert.is(endpointVariables(endpoints)[`GOOGLE_${service}_CUSTOM_ENDPOINT`], `${at}/v1/`)
  })
}

environment('an endpoint without a slash at its end, or with the version in it', () => {
  for (const iam of [at, `${at}/v1`, `${at}/v1/`]) {
    assert.is(endpointVariables({ ...endpoints, iam }).GOOGLE_IAM_BETA_CUSTOM_ENDPOINT, `${at}/v1/`)
  }
})

environment.run()
