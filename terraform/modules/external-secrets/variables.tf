variable "namespace" {
  description = "Namespace of the release, which must exist."
  type        = string
}

variable "chart" {
  description = "Name of the chart in the repository, or the path of a chart's folder."
  type        = string
  default     = "external-secrets"
}

variable "chart_repository" {
  description = "URL of the chart repository; null when chart is a path."
  type        = string
  default     = null

  validation {
    condition     = var.chart_repository == null || can(regex("^(https|oci)://", var.chart_repository))
    error_message = "The chart repository must be an https or oci URL."
  }
}

variable "chart_version" {
  description = "Exact version of the chart; null when chart is a path."
  type        = string
  default     = null

  validation {
    condition     = var.chart_version == null || can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.chart_version))
    error_message = "The chart must be pinned to an exact version, such as 1.2.3."
  }
}

variable "timeout_seconds" {
  description = "How long the release's objects may take to become ready."
  type        = number
  default     = 600

  validation {
    condition     = var.timeout_seconds >= 60
    error_message = "Pulling the images takes longer than a minute: allow 60 seconds or more."
  }
}

variable "webhook_failure_policy" {
  description = "What the API server does with an ExternalSecret when the validating webhook does not answer."
  type        = string
  default     = "Fail"

  validation {
    condition     = contains(["Fail", "Ignore"], var.webhook_failure_policy)
    error_message = "The failure policy must be Fail or Ignore."
  }
}

variable "secret_manager_project" {
  description = "Project whose Secret Manager the ClusterSecretStore reads; null creates no store."
  type        = string
  default     = null
}
