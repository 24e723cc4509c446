output "app_name" {
  value = module.argocd_app.app_name
}

output "app_namespace" {
  value = module.argocd_app.app_namespace
}
