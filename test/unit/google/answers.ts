/** What Google answers while an API is not enabled in a project. https://cloud.google.com/apis/design/errors#error_info */
export const DISABLED = {
  error: {
    code: 403,
    message: 'Compute Engine API has not been used in project p before or it is disabled.',
    status: 'PERMISSION_DENIED',
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'SERVICE_DISABLED',
        domain: 'googleapis.com',
        metadata: { service: 'compute.googleapis.com', consumer: 'projects/p' },
      },
    ],
  },
}

/** What it answers to somebody without the permission. */
export const FORBIDDEN = { error: { code: 403, message: 'Required permission', status: 'PERMISSION_DENIED' } }
