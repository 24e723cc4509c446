output "kubeconfig_path" {
  description = "Where the kubeconfig file belongs. May begin with ~, for the reader to expand."
  value       = "${local.directory}/${var.cluster_name}.yaml"
}

output "kube_context" {
  description = "Name of the context in that file."
  value       = var.cluster_name
}

output "api_local_port" {
  description = "Local TCP port of the tunnel to the Kubernetes API."
  value       = var.api_local_port
}
