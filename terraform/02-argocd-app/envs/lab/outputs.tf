output "app_name" {
  description = "Name of the Application."
  value       = module.argocd_app.app_name
}

output "app_namespace" {
  description = "Namespace of the Application."
  value       = module.argocd_app.app_namespace
}
