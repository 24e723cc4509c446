provider "google" {
  project = var.project_id
  region  = var.region
  zone    = var.zone
}

locals {
  name = "threads-${var.env}"
}

resource "google_project_service" "required" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
  ])

  project = var.project_id
  service = each.value

  # Other things in the project may use the same APIs.
  disable_on_destroy = false
}

module "networking" {
  source = "../../../modules/vpc/networking"

  project_id  = var.project_id
  name        = local.name
  region      = var.region
  subnet_cidr = var.subnet_cidr

  depends_on = [google_project_service.required]
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
  reads_secrets       = true

  depends_on = [google_project_service.required]
}

module "registry" {
  source = "../../../modules/registry"

  project_id    = var.project_id
  environment   = var.env
  region        = var.region
  secret_ids    = ["${local.name}-postgres-password"]
  secret_reader = module.compute.service_account_email

  depends_on = [google_project_service.required]
}

module "kubectl_setup" {
  source = "../../../modules/kubectl-setup"

  cluster_name   = local.name
  directory      = var.kubeconfig_directory
  api_local_port = var.api_local_port
}
