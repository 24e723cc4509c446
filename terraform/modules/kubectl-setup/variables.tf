variable "cluster_name" {
  description = "Name of the cluster's kubeconfig file and context, such as threads-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.cluster_name))
    error_message = "The cluster's name must be lower-case letters, digits and hyphens."
  }
}

variable "directory" {
  description = "Folder of the kubeconfig file: below ~, absolute, or relative to the root module."
  type        = string
  default     = "~/.kube"
}

variable "api_local_port" {
  description = "Local TCP port of the tunnel to the Kubernetes API; the kubeconfig's server is https://127.0.0.1:<port>."
  type        = number

  validation {
    condition     = var.api_local_port >= 1024 && var.api_local_port < 65536
    error_message = "The port must lie between 1024 and 65535, where no privileges are needed to listen."
  }
}
