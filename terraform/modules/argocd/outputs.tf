output "namespace" {
  description = "Namespace of the release; reading it from here orders a resource after the release."
  value       = helm_release.this.namespace
}

output "release_name" {
  description = "Name of the Helm release."
  value       = helm_release.this.name
}
