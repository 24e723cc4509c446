import type { Endpoints } from '../config/endpoints.ts'

/** Where the Cloud SDK's programs find Google's services, and their credentials. Paths are absolute. */
export type CloudSdkEndpoints = Pick<
  Endpoints,
  'compute' | 'storage' | 'iam' | 'resourceManager' | 'serviceUsage' | 'tokenFile' | 'boto' | 'certificate'
>

/**
 * The variables that make plain `gcloud` and `gsutil` use these endpoints.
 * https://cloud.google.com/sdk/docs/properties, https://cloud.google.com/storage/docs/boto-gsutil
 */
export const cloudSdkVariables = (endpoints: CloudSdkEndpoints): Record<string, string> => ({
  CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: endpoints.tokenFile,
  CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: endpoints.compute,
  CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${endpoints.storage}/storage/v1/`,
  CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM: endpoints.iam,
  CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER: endpoints.resourceManager,
  CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE: endpoints.serviceUsage,
  // gsutil takes neither token nor endpoint from gcloud: both are in its own configuration.
  ...(endpoints.boto && { BOTO_CONFIG: endpoints.boto, CLOUDSDK_CORE_PASS_CREDENTIALS_TO_GSUTIL: 'false' }),
  ...(endpoints.certificate && { CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: endpoints.certificate }),
})
