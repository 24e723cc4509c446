variable "backend_bucket" {
  description = "Bucket of the states"
  type        = string
}

variable "repository" {
  description = "Repository that Argo CD follows"
  type        = string
  default     = "https://github.com/unknowntpo/threads-nextjs.git"
}

variable "revision" {
  description = "Branch that Argo CD follows"
  type        = string
  default     = "master"
}

variable "path" {
  description = "Folder of the manifests in the repository"
  type        = string
  default     = "k8s/base"
}
