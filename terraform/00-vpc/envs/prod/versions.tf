terraform {
  required_version = ">= 1.5"

  backend "gcs" {
    prefix = "00-vpc/state"
  }

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
}
