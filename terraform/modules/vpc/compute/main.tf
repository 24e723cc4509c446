locals {
  labels = {
    managed-by  = "threads-ops"
    environment = var.environment
    component   = "k0s-cluster"
    layer       = "00-vpc"
  }

  # The mark tells the operators' lines from those of others.
  ssh_keys = [for user, key in var.ssh_keys : "${user}:${trimspace(key)} managed-by=threads-ops"]

  roles = toset([
    "roles/artifactregistry.reader",
    "roles/logging.logWriter",
    "roles/monitoring.metricWriter",
  ])

  # A scope bounds what the roles, and those of each secret, allow. Secret Manager takes no other than the one for everything:
  # https://cloud.google.com/secret-manager/docs/accessing-the-api
  scopes = var.reads_secrets ? ["https://www.googleapis.com/auth/cloud-platform"] : [
    "https://www.googleapis.com/auth/cloud-platform.read-only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring.write",
  ]
}

resource "google_service_account" "vm" {
  project      = var.project_id
  account_id   = var.name
  display_name = "VM ${var.name}"
}

resource "google_project_iam_member" "vm" {
  for_each = local.roles

  project = var.project_id
  role    = each.value
  member  = "serviceAccount:${google_service_account.vm.email}"
}

# A resource of its own rather than the instance's initialize_params: restoring a snapshot is then a change of input that a
# plan shows, and deleting the instance never deletes the data.
resource "google_compute_disk" "boot" {
  project = var.project_id
  name    = "${var.name}-boot"
  zone    = var.zone
  type    = var.boot_disk_type
  size    = var.boot_disk_size_gb
  labels  = local.labels

  image    = var.snapshot_name == null ? var.boot_image : null
  snapshot = var.snapshot_name
}

resource "google_compute_instance" "this" {
  project      = var.project_id
  name         = var.name
  zone         = var.zone
  machine_type = var.machine_type
  tags         = var.network_tags
  labels       = local.labels

  allow_stopping_for_update = true
  deletion_protection       = var.deletion_protection

  boot_disk {
    source      = google_compute_disk.boot.self_link
    auto_delete = false
  }

  # No access_config: the VM has no external address.
  network_interface {
    subnetwork = var.subnet_id
  }

  # SPOT rather than a plain preemptible VM, which Google stops after 24 hours; the API requires preemptible to be set as well.
  scheduling {
    provisioning_model          = var.spot ? "SPOT" : "STANDARD"
    preemptible                 = var.spot
    automatic_restart           = !var.spot
    instance_termination_action = var.spot ? "STOP" : null
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  service_account {
    email  = google_service_account.vm.email
    scopes = local.scopes
  }

  metadata = merge(
    {
      block-project-ssh-keys  = "TRUE"
      enable-guest-attributes = "TRUE"
      enable-oslogin          = "FALSE"
    },
    length(var.ssh_keys) == 0 ? {} : {
      ssh-keys = join("\n", local.ssh_keys)
    },
  )

  # The first boot already pulls images and writes logs.
  depends_on = [google_project_iam_member.vm]

  # Others write keys there as well, such as `gcloud compute ssh`. The operators' are written at creation, and by `up` later on.
  lifecycle {
    ignore_changes = [metadata["ssh-keys"]]
  }
}
