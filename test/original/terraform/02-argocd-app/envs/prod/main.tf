terraform {
  required_version = ">= 1.0"

  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.19.0"
    }
  }

  backend "gcs" {
    prefix = "02-argocd-app/state"
  }
}

provider "kubectl" {
  config_path      = pathexpand(data.terraform_remote_state.k8s.outputs.kubeconfig_path)
  load_config_file = true
}

module "argocd_app" {
  source = "../../../modules/argocd-app"

  namespace  = data.terraform_remote_state.k8s.outputs.argocd_namespace
  repository = var.repository
  revision   = var.revision
  path       = var.path
}
