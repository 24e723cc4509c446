variable "project_id" {
  description = "Project that holds the network."
  type        = string
}

variable "name" {
  description = "Prefix of every resource's name, such as threads-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,40}[a-z0-9]$", var.name))
    error_message = "The name must be at most 42 lower-case letters, digits and hyphens, so that suffixes fit."
  }
}

variable "region" {
  description = "Region of the subnet, the router and the NAT."
  type        = string
}

variable "subnet_cidr" {
  description = "IPv4 range of the subnet."
  type        = string
  default     = "10.142.0.0/20"

  validation {
    condition     = can(cidrnetmask(var.subnet_cidr))
    error_message = "The subnet's range must be an IPv4 CIDR such as 10.142.0.0/20."
  }
}

variable "kubernetes_api_port" {
  description = "TCP port of the Kubernetes API on the VM."
  type        = number
  default     = 6443

  validation {
    condition     = var.kubernetes_api_port > 0 && var.kubernetes_api_port < 65536
    error_message = "The port must lie between 1 and 65535."
  }
}
