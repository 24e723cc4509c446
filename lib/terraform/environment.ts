/** Where Google's services are when they are not Google's own; URLs. */
export interface GoogleEndpoints {
  compute: string
  storage: string
  iam: string
  resourceManager: string
  serviceUsage: string
}

/** The variables with which plain `terraform` works against these endpoints: provider google's and the GCS backend's own names. */
export function endpointVariables({
  compute,
  storage,
  iam,
  resourceManager,
  serviceUsage,
}: GoogleEndpoints): Record<string, string> {
  return {
    GOOGLE_COMPUTE_CUSTOM_ENDPOINT: compute,
    GOOGLE_STORAGE_CUSTOM_ENDPOINT: `${storage}/storage/v1/`,
    GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT: `${storage}/storage/v1/`,
    GOOGLE_IAM_CUSTOM_ENDPOINT: versioned(iam),
    GOOGLE_IAM_BETA_CUSTOM_ENDPOINT: versioned(iam),
    GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT: versioned(resourceManager),
    GOOGLE_CLOUD_RESOURCE_MANAGER_CUSTOM_ENDPOINT: versioned(resourceManager),
    GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT: versioned(serviceUsage),
  }
}

/** With the version that Google's own base paths have: the resources that the provider generates add nothing to them. */
const versioned = (endpoint: string): string => `${endpoint.replace(/\/*(v1\/*)?$/, '')}/v1/`
