terraform {
  required_version = ">= 1.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 4.9.0"
    }
  }

  backend "gcs" {
    prefix = "00-vpc/state"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
  zone    = var.zone
}

module "vpc" {
  source = "../../../modules/vpc"

  project_id    = var.project_id
  region        = var.region
  zone          = var.zone
  env           = var.env
  snapshot_name = var.snapshot_name
  k0s_install   = var.k0s_install
}

module "kubectl_setup" {
  source = "../../../modules/kubectl-setup"

  vm_id   = module.vpc.vm_id
  command = var.kubectl_setup_command

  depends_on = [module.vpc]
}
