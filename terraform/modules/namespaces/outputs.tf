output "names" {
  description = "The namespaces' names by themselves; reading one from here orders a resource after its namespace."
  value       = { for name, namespace in kubectl_manifest.this : name => namespace.name }
}
