terraform {
  required_version = ">= 1.0"

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 1.3.0"
    }
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.19.0"
    }
  }

  backend "gcs" {
    prefix = "01-k8s/state"
  }
}

locals {
  kubeconfig_path = pathexpand(data.terraform_remote_state.vpc.outputs.kubeconfig_path)
}

provider "helm" {
  kubernetes {
    config_path = local.kubeconfig_path
  }
}

provider "kubectl" {
  config_path      = local.kubeconfig_path
  load_config_file = true
}

module "local_path_provisioner" {
  source = "../../../modules/local-path-provisioner"
}

module "namespaces" {
  source = "../../../modules/namespaces"
}

module "argocd" {
  source = "../../../modules/argocd"

  charts = var.charts

  depends_on = [module.local_path_provisioner]
}

module "external_secrets" {
  source = "../../../modules/external-secrets"

  charts = var.charts

  depends_on = [module.local_path_provisioner]
}

module "argocd_image_updater" {
  source = "../../../modules/argocd-image-updater"

  charts       = var.charts
  gcr_json_key = var.gcr_json_key
  interval     = var.image_updater_interval

  depends_on = [module.argocd, module.namespaces]
}
