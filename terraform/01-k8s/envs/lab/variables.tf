variable "backend_bucket" {
  description = "Bucket of the layers' states; it must equal the one in the backend configuration."
  type        = string
}

variable "charts_directory" {
  description = "Folder of the prepared charts, relative to this folder: argo-cd, argocd-image-updater, external-secrets."
  type        = string

  validation {
    condition     = startswith(var.charts_directory, "/") || startswith(var.charts_directory, ".")
    error_message = "The folder must be an absolute path or begin with a dot: anything else is taken for a chart's name."
  }
}
