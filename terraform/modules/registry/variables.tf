variable "project_id" {
  description = "Project that holds the repository and the secrets."
  type        = string
}

variable "environment" {
  description = "Environment, the value of the environment label."
  type        = string
}

variable "region" {
  description = "Region of the repository; images are <region>-docker.pkg.dev/<project>/<repository>/<image>."
  type        = string
}

variable "repository_id" {
  description = "Name of the image repository."
  type        = string
  default     = "threads"
}

variable "keep_versions" {
  description = "How many of the newest versions of each image are kept whatever their age."
  type        = number
  default     = 20

  validation {
    condition     = var.keep_versions >= 1
    error_message = "At least one version must be kept: the one that runs."
  }
}

variable "delete_after_days" {
  description = "Age in days after which other versions are deleted."
  type        = number
  default     = 90

  validation {
    condition     = var.delete_after_days >= 1
    error_message = "The age must be at least one day."
  }
}

variable "secret_ids" {
  description = "Names of the Secret Manager secrets to create; their values are added outside Terraform."
  type        = set(string)
  default     = []
}

variable "secret_reader" {
  description = "E-mail address of the service account that may read the secrets, and no others: the VM's, with which External Secrets signs in."
  type        = string

  validation {
    condition     = can(regex("^[^@]+@[^@]+\\.gserviceaccount\\.com$", var.secret_reader))
    error_message = "The reader must be a service account."
  }
}
