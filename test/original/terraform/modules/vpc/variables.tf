variable "project_id" {
  type = string
}

variable "region" {
  type = string
}

variable "zone" {
  type = string
}

variable "env" {
  type = string
}

variable "snapshot_name" {
  type = string
}

variable "k0s_install" {
  type = string
}
