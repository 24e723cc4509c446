output "app_name" {
  description = "Name of the Application."
  value       = kubectl_manifest.application.name
}

output "app_namespace" {
  description = "Namespace of the Application."
  value       = kubectl_manifest.application.namespace
}
