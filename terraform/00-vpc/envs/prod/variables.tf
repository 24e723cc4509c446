variable "project_id" {
  description = "Google Cloud project that holds the environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "The project must be given by its id: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "env" {
  description = "Name of the environment, part of every resource's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}[a-z0-9]$", var.env))
    error_message = "The environment must be 2 to 16 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the environment."
  type        = string
}

variable "zone" {
  description = "Zone of the VM; it must lie in the region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", var.zone))
    error_message = "The zone must look like us-east1-b."
  }
}

variable "subnet_cidr" {
  description = "IPv4 range of the subnet."
  type        = string
  default     = "10.142.0.0/20"
}

variable "machine_type" {
  description = "Machine type of the VM, x86 only."
  type        = string
  default     = "e2-standard-2"
}

variable "spot" {
  description = "Whether the VM is a spot VM rather than an on-demand one. A change replaces the VM, not its disk."
  type        = bool
  default     = true
}

variable "boot_image" {
  description = "Image of a new boot disk, as project/family or project/image."
  type        = string
  default     = "debian-cloud/debian-12"
}

variable "snapshot_name" {
  description = "Name of the snapshot that the boot disk is made from; null boots boot_image. A change replaces the disk and the VM."
  type        = string
  default     = null
}

variable "ssh_keys" {
  description = "Public keys that may log in to the VM: user name to OpenSSH public key."
  type        = map(string)
  default     = {}
}

variable "deletion_protection" {
  description = "Whether the API refuses to delete the VM."
  type        = bool
}

variable "kubeconfig_directory" {
  description = "Folder of the kubeconfig file: below ~, absolute, or relative to this folder."
  type        = string
  default     = "~/.kube"
}

variable "api_local_port" {
  description = "Local TCP port of the tunnel to the Kubernetes API; each environment has its own, so that two can be open at once."
  type        = number
}
