terraform {
  required_version = ">= 1.5"

  backend "gcs" {
    prefix = "02-argocd-app/state"
  }

  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.19"
    }
  }
}
