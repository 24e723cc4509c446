variable "namespace" {
  description = "Namespace of the release, which must exist."
  type        = string
}

variable "chart" {
  description = "Name of the chart in the repository, or the path of a chart's folder."
  type        = string
  default     = "argocd-image-updater"
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

variable "interval" {
  description = "How often the registry is asked for new tags, as a Go duration."
  type        = string
  default     = "2m"

  validation {
    condition     = can(regex("^([0-9]+[hms])+$", var.interval))
    error_message = "The interval must be a duration such as 2m or 1m30s."
  }
}

variable "registry_host" {
  description = "Host name of the Artifact Registry that holds the application's images."
  type        = string
  default     = "us-east1-docker.pkg.dev"

  validation {
    condition     = can(regex("^[a-z0-9-]+-docker\\.pkg\\.dev$", var.registry_host))
    error_message = "The registry must be an Artifact Registry host such as us-east1-docker.pkg.dev."
  }
}
