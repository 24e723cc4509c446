locals {
  from_snapshot = var.snapshot_name != ""
}

resource "google_service_account" "vm_sa" {
  project      = var.project_id
  account_id   = "threads-${var.env}-vm-sa"
  display_name = "Service account of the k0s VM"
}

resource "google_project_iam_member" "vm_sa_logging" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${google_service_account.vm_sa.email}"
}

resource "google_project_iam_member" "vm_sa_monitoring" {
  project = var.project_id
  role    = "roles/monitoring.metricWriter"
  member  = "serviceAccount:${google_service_account.vm_sa.email}"
}

resource "google_project_iam_member" "vm_sa_secret_accessor" {
  project = var.project_id
  role    = "roles/secretmanager.secretAccessor"
  member  = "serviceAccount:${google_service_account.vm_sa.email}"
}

resource "google_compute_address" "vm_internal_ip" {
  project      = var.project_id
  name         = "threads-${var.env}-vm-ip"
  region       = var.region
  address_type = "INTERNAL"
  subnetwork   = var.subnet_id
}

resource "google_compute_disk" "boot_from_snapshot" {
  count = local.from_snapshot ? 1 : 0

  project  = var.project_id
  name     = "threads-${var.env}-vm-boot-${var.snapshot_name}"
  zone     = var.zone
  type     = "pd-balanced"
  size     = 50
  snapshot = var.snapshot_name
}

resource "google_compute_instance" "vm" {
  project      = var.project_id
  name         = "threads-${var.env}-vm"
  zone         = var.zone
  machine_type = "e2-standard-2"
  tags         = ["ssh"]

  allow_stopping_for_update = true

  boot_disk {
    auto_delete = true
    source      = local.from_snapshot ? google_compute_disk.boot_from_snapshot[0].self_link : null

    dynamic "initialize_params" {
      for_each = local.from_snapshot ? [] : [1]

      content {
        image = "debian-cloud/debian-13"
        size  = 50
        type  = "pd-balanced"
      }
    }
  }

  network_interface {
    subnetwork = var.subnet_id
    network_ip = google_compute_address.vm_internal_ip.address
  }

  scheduling {
    preemptible       = true
    automatic_restart = false
  }

  service_account {
    email  = google_service_account.vm_sa.email
    scopes = ["cloud-platform"]
  }

  metadata_startup_script = templatefile("${path.module}/startup.sh", {
    k0s_install = var.k0s_install
  })

  labels = {
    environment = var.env
    component   = "k0s-cluster"
  }

  lifecycle {
    create_before_destroy = true
  }
}

# The jobs that switch the VM on and off run as this account.
resource "google_service_account" "scheduler_sa" {
  project      = var.project_id
  account_id   = "threads-${var.env}-scheduler"
  display_name = "Starts and stops the VM"
}

resource "google_project_iam_member" "scheduler_compute_admin" {
  project = var.project_id
  role    = "roles/compute.instanceAdmin.v1"
  member  = "serviceAccount:${google_service_account.scheduler_sa.email}"
}
