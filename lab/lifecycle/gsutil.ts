/** What gsutil needs to know about a lab. */
export interface GsutilOptions {
  tlsPort: number
  /** The certificate of that port. */
  certificateFile: string
  /** The lab's token, as a refresh token: gsutil exchanges it for an access token. */
  token: string
  /** Where gsutil keeps access tokens and unfinished transfers. */
  stateDirectory: string
  project: string
}

/**
 * A boto configuration for `BOTO_CONFIG`. gsutil accepts only HTTPS, and wants a refresh token instead of an access token.
 * The result contains a secret. https://cloud.google.com/storage/docs/boto-gsutil
 */
export const gsutilConfiguration = ({ tlsPort, certificateFile, token, stateDirectory, project }: GsutilOptions): string =>
  `[Credentials]
gs_json_host = 127.0.0.1
gs_json_port = ${tlsPort}
gs_oauth2_refresh_token = ${token}

[OAuth2]
client_id = lab
client_secret = lab
provider_token_uri = https://127.0.0.1:${tlsPort}/token

[Boto]
https_validate_certificates = True
ca_certificates_file = ${certificateFile}

[GSUtil]
default_project_id = ${project}
state_dir = ${stateDirectory}
prefer_api = json
disable_analytics_prompt = True
software_update_check_period = 0
`
