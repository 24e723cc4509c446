output "network_name" {
  description = "Name of the network."
  value       = google_compute_network.this.name
}

output "subnet_name" {
  description = "Name of the subnet."
  value       = google_compute_subnetwork.this.name
}

output "subnet_id" {
  description = "Id of the subnet, for instances to attach to."
  value       = google_compute_subnetwork.this.id
}

output "iap_tag" {
  description = "Network tag that lets IAP reach an instance."
  value       = local.iap_tag
}
