output "namespace" {
  description = "Namespace of the release. A resource that reads it from here depends on the release."
  value       = helm_release.this.namespace
}

output "release_name" {
  description = "Name of the Helm release."
  value       = helm_release.this.name
}
