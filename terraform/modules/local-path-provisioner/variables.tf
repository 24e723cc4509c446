variable "namespace" {
  description = "Namespace of the provisioner and its helper pods, which must exist."
  type        = string
}

variable "image" {
  description = "Image of the provisioner."
  type        = string
  default     = "docker.io/rancher/local-path-provisioner:v0.0.30"
}

variable "helper_image" {
  description = "Image of the pods that make and remove a volume's folder; it needs a shell."
  type        = string
  default     = "docker.io/library/busybox:1.37.0"
}

variable "path" {
  description = "Folder on the node that holds the volumes."
  type        = string
  default     = "/opt/local-path-provisioner"

  validation {
    condition     = can(regex("^/[^/]+/.+[^/]$", var.path))
    error_message = "The folder must be an absolute path at least two levels deep: teardown removes what is below it."
  }
}
