provider "google" {
  project = var.project_id
  region  = var.region
  zone    = var.zone
}

locals {
  name = "threads-${var.env}"
}

module "networking" {
  source = "../../../modules/vpc/networking"

  project_id  = var.project_id
  name        = local.name
  region      = var.region
  subnet_cidr = var.subnet_cidr
}

module "compute" {
  source = "../../../modules/vpc/compute"

  project_id          = var.project_id
  environment         = var.env
  name                = "${local.name}-vm"
  zone                = var.zone
  machine_type        = var.machine_type
  spot                = var.spot
  boot_image          = var.boot_image
  snapshot_name       = var.snapshot_name
  subnet_id           = module.networking.subnet_id
  network_tags        = [module.networking.iap_tag]
  ssh_keys            = var.ssh_keys
  deletion_protection = var.deletion_protection
}

module "kubectl_setup" {
  source = "../../../modules/kubectl-setup"

  cluster_name   = local.name
  directory      = var.kubeconfig_directory
  api_local_port = var.api_local_port
}
