variable "backend_bucket" {
  description = "Bucket of the layers' states; it must equal the one in the backend configuration."
  type        = string
}

variable "repository_url" {
  description = "URL of the git repository that Argo CD watches."
  type        = string
}

variable "revision" {
  description = "Branch, tag or commit that Argo CD follows."
  type        = string
}

variable "path" {
  description = "Folder of the kustomization in the repository."
  type        = string
}

variable "image_region" {
  description = "Region of the Artifact Registry repository that holds the application's images."
  type        = string
}

variable "image_project" {
  description = "Project of that repository; null means the environment's own."
  type        = string
  default     = null
}
