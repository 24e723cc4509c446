output "image_prefix" {
  description = "Prefix of image names."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.this.repository_id}"
}

output "secret_ids" {
  description = "Names of the secrets."
  value       = sort([for secret in google_secret_manager_secret.this : secret.secret_id])
}
