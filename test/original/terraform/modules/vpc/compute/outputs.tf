output "vm_name" {
  value = google_compute_instance.vm.name
}

output "vm_id" {
  value = google_compute_instance.vm.id
}

output "vm_internal_ip" {
  value = google_compute_instance.vm.network_interface[0].network_ip
}

output "service_account_email" {
  value = google_service_account.vm_sa.email
}
