locals {
  # The first time, Argo CD is still being built when its pods start.
  timeout_seconds = 2700

  vpc = data.terraform_remote_state.vpc.outputs
}

provider "helm" {
  kubernetes {
    config_path    = pathexpand(local.vpc.kubeconfig_path)
    config_context = local.vpc.kube_context
  }
}

provider "kubectl" {
  config_path      = pathexpand(local.vpc.kubeconfig_path)
  config_context   = local.vpc.kube_context
  load_config_file = true

  # The API server may just have restarted.
  apply_retry_count = 5
}

module "namespaces" {
  source = "../../../modules/namespaces"

  environment = local.vpc.env

  levels = {
    argocd                  = "restricted"
    external-secrets-system = "restricted"
    # The provisioner's helper pods make and remove folders of the host.
    local-path-storage = "privileged"
  }
}

module "local_path_provisioner" {
  source = "../../../modules/local-path-provisioner"

  namespace = module.namespaces.names["local-path-storage"]
}

module "external_secrets" {
  source = "../../../modules/external-secrets"

  namespace              = module.namespaces.names["external-secrets-system"]
  chart                  = "${var.charts_directory}/external-secrets"
  webhook_failure_policy = "Ignore"
  timeout_seconds        = local.timeout_seconds

  depends_on = [module.local_path_provisioner]
}

module "argocd" {
  source = "../../../modules/argocd"

  namespace = module.namespaces.names["argocd"]
  chart     = "${var.charts_directory}/argo-cd"

  timeout_seconds = local.timeout_seconds

  depends_on = [module.local_path_provisioner]
}

module "argocd_image_updater" {
  source = "../../../modules/argocd-image-updater"

  namespace = module.argocd.namespace
  chart     = "${var.charts_directory}/argocd-image-updater"

  timeout_seconds = local.timeout_seconds

  # Nobody waits two minutes for a registry on the same machine.
  interval = "10s"
}
