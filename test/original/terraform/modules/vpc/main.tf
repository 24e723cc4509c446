resource "google_project_service" "required_apis" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "oslogin.googleapis.com",
    "secretmanager.googleapis.com",
  ])

  project            = var.project_id
  service            = each.key
  disable_on_destroy = false
}

module "networking" {
  source = "./networking"

  project_id = var.project_id
  region     = var.region
  env        = var.env

  depends_on = [google_project_service.required_apis]
}

module "compute" {
  source = "./compute"

  project_id    = var.project_id
  region        = var.region
  zone          = var.zone
  env           = var.env
  subnet_id     = module.networking.subnet_id
  snapshot_name = var.snapshot_name
  k0s_install   = var.k0s_install

  depends_on = [google_project_service.required_apis]
}
