locals {
  k8s = data.terraform_remote_state.k8s.outputs

  # The environment's services are listed once: the image verbs read the same file.
  services = yamldecode(file("${path.root}/${var.environment_file}")).delivery.services
}

provider "kubectl" {
  config_path      = pathexpand(local.k8s.kubeconfig_path)
  config_context   = local.k8s.kube_context
  load_config_file = true

  # The API server may just have restarted.
  apply_retry_count = 5
}

module "argocd_app" {
  source = "../../../modules/argocd-app"

  environment      = local.k8s.env
  argocd_namespace = local.k8s.argocd_namespace
  repository_url   = var.repository_url
  revision         = var.revision
  path             = var.path

  images = { for name, service in local.services : name => service.image }
}
