# 4.9, the newest google provider that can be built from Go modules, supports preemptible VMs but not the SPOT model. Terraform
# merges an override file into the module: nested blocks replace those of the same type, arguments are overridden one by one.
terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 4.9"
    }
  }
}

resource "google_compute_instance" "this" {
  scheduling {
    preemptible       = var.spot
    automatic_restart = !var.spot
  }
}
