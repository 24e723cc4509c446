terraform {
  required_version = ">= 1.5"

  backend "gcs" {
    prefix = "01-k8s/state"
  }

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }

    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.19"
    }
  }
}
