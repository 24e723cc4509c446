variable "project_id" {
  description = "Project that holds the VM."
  type        = string
}

variable "environment" {
  description = "Environment, the value of the environment label."
  type        = string
}

variable "name" {
  description = "Name of the VM and of its service account, such as threads-prod-vm."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "The name must be 6 to 30 lower-case letters, digits and hyphens, as service accounts require."
  }
}

variable "zone" {
  description = "Zone of the VM and its disk."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", var.zone))
    error_message = "The zone must look like us-east1-b."
  }
}

variable "machine_type" {
  description = "Machine type. x86 only: etcd broke on an ARM VM, and the images are linux/amd64."
  type        = string
  default     = "e2-standard-2"

  validation {
    condition     = !can(regex("^(t2a|c4a|n4a|a4x)-", var.machine_type))
    error_message = "ARM machine types cannot run the linux/amd64 images, nor boot an x86 snapshot."
  }
}

variable "spot" {
  description = "Whether the VM is a spot VM: much cheaper, but Google may stop it at any time. A change replaces the VM, not its disk."
  type        = bool
  default     = true
}

variable "boot_image" {
  description = "Image of a new boot disk: project/family, or project/image to pin one. Ignored when snapshot_name is set."
  type        = string
  default     = "debian-cloud/debian-12"
}

variable "snapshot_name" {
  description = "Snapshot that the boot disk is made from; null boots boot_image. A change replaces the disk and the VM."
  type        = string
  default     = null

  validation {
    condition     = var.snapshot_name == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.snapshot_name))
    error_message = "The snapshot must be given by its name."
  }
}

variable "boot_disk_type" {
  description = "Type of the boot disk."
  type        = string
  default     = "pd-balanced"
}

variable "boot_disk_size_gb" {
  description = "Size of the boot disk in GB; at least that of the snapshot."
  type        = number
  default     = 50

  validation {
    condition     = var.boot_disk_size_gb >= 10 && floor(var.boot_disk_size_gb) == var.boot_disk_size_gb
    error_message = "The boot disk must have a whole number of GB, 10 or more."
  }
}

variable "subnet_id" {
  description = "Id of the subnet that the VM attaches to."
  type        = string
}

variable "network_tags" {
  description = "Network tags, which select the firewall rules that apply."
  type        = list(string)
  default     = []
}

variable "ssh_keys" {
  description = "Public keys that may log in: user name to OpenSSH public key."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in values(var.ssh_keys) : can(regex("^(ssh-|ecdsa-|sk-)\\S+ \\S+[^\n]*\n?$", key))])
    error_message = "Every value must be one OpenSSH public key on one line."
  }
}

variable "reads_secrets" {
  description = "Whether the VM reads secrets of Secret Manager, which takes a wider scope. A change stops the VM for a moment."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Whether the API refuses to delete the VM."
  type        = bool
  default     = true
}
