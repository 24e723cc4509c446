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

variable "environment_file" {
  description = "The environment's file of the toolkit, relative to this folder: its delivery.services names the images."
  type        = string
}
