locals {
  # https://cloud.google.com/iap/docs/using-tcp-forwarding#create-firewall-rule
  iap_range = "35.235.240.0/20"

  iap_tag = "${var.name}-iap"
}

resource "google_compute_network" "this" {
  project                 = var.project_id
  name                    = "${var.name}-network"
  description             = "Network of the ${var.name} environment"
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "this" {
  project       = var.project_id
  name          = "${var.name}-subnet"
  region        = var.region
  network       = google_compute_network.this.id
  ip_cidr_range = var.subnet_cidr

  # The VM has no external address: Google's APIs are reached without leaving Google's network.
  private_ip_google_access = true
}

resource "google_compute_firewall" "iap" {
  project     = var.project_id
  name        = "${var.name}-allow-iap"
  network     = google_compute_network.this.id
  description = "SSH and the Kubernetes API, through IAP's TCP forwarding only"
  direction   = "INGRESS"

  source_ranges = [local.iap_range]
  target_tags   = [local.iap_tag]

  allow {
    protocol = "tcp"
    ports    = ["22", tostring(var.kubernetes_api_port)]
  }
}

resource "google_compute_router" "this" {
  project = var.project_id
  name    = "${var.name}-router"
  region  = var.region
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  project                            = var.project_id
  name                               = "${var.name}-nat"
  region                             = var.region
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
