output "argocd_namespace" {
  description = "Namespace that Argo CD runs in."
  value       = module.argocd.namespace
}

output "project_id" {
  description = "Google Cloud project that holds the environment."
  value       = local.vpc.project_id
}

output "env" {
  description = "Name of the environment."
  value       = local.vpc.env
}

output "kubeconfig_path" {
  description = "Where the kubeconfig file belongs. May begin with ~, for the reader to expand."
  value       = local.vpc.kubeconfig_path
}

output "kube_context" {
  description = "Name of the context in the kubeconfig file."
  value       = local.vpc.kube_context
}
