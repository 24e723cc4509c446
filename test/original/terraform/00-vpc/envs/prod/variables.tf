variable "project_id" {
  description = "GCP project id"
  type        = string
}

variable "region" {
  description = "GCP region"
  type        = string
  default     = "us-east1"
}

variable "zone" {
  description = "GCP zone"
  type        = string
  default     = "us-east1-b"
}

variable "env" {
  description = "Environment"
  type        = string
  default     = "prod"
}

variable "snapshot_name" {
  description = "Snapshot to boot from; an image is used where it is empty"
  type        = string
  default     = ""
}

variable "k0s_install" {
  description = "Shell lines that put k0s into /usr/local/bin"
  type        = string
  default     = "curl -sSLf https://get.k0s.sh | sh"
}

variable "kubectl_setup_command" {
  description = "Writes the kubeconfig of this machine's kubectl"
  type        = string
  default     = "../../../scripts/kubectl-setup.sh"
}
