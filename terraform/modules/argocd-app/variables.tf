variable "name" {
  description = "Name of the Application and of its ImageUpdater."
  type        = string
  default     = "threads"
}

variable "environment" {
  description = "Environment, the value of the environment label."
  type        = string
}

variable "argocd_namespace" {
  description = "Namespace that Argo CD runs in."
  type        = string
}

variable "repository_url" {
  description = "URL of the git repository that Argo CD watches."
  type        = string

  validation {
    condition     = can(regex("^(https?|ssh)://.+\\.git$", var.repository_url))
    error_message = "The repository must be an http, https or ssh URL that ends with .git."
  }
}

variable "revision" {
  description = "Branch, tag or commit that Argo CD follows."
  type        = string
}

variable "path" {
  description = "Folder of the kustomization in the repository."
  type        = string

  validation {
    condition     = !startswith(var.path, "/") && !strcontains(var.path, "..")
    error_message = "The path must be relative to the repository's root and stay inside it."
  }
}

variable "destination_namespace" {
  description = "Namespace of the application's objects; Argo CD creates it."
  type        = string
  default     = "threads"
}

variable "images" {
  description = "Images that the Image Updater keeps at their newest build: alias to image name, without a tag."
  type        = map(string)

  validation {
    condition     = alltrue([for alias in keys(var.images) : can(regex("^[a-z][a-z0-9-]*$", alias))])
    error_message = "An alias must be lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("^[^:@]+/[^:@]+$", image))])
    error_message = "An image must be named with its registry and without a tag or digest."
  }
}
