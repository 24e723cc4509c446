output "names" {
  description = "The namespaces' names, by name. A resource that reads one from here depends on the namespace."
  value       = { for name, namespace in kubectl_manifest.this : name => namespace.name }
}
