output "storage_class" {
  description = "Name of the StorageClass, which is the cluster's default."
  value       = kubectl_manifest.this["storage-class"].name
}
