output "argocd_namespace" {
  value = module.argocd.namespace
}

output "kubeconfig_path" {
  value = data.terraform_remote_state.vpc.outputs.kubeconfig_path
}

output "project_id" {
  value = data.terraform_remote_state.vpc.outputs.project_id
}
