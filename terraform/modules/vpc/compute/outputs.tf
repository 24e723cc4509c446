output "vm_name" {
  description = "Name of the VM."
  value       = google_compute_instance.this.name
}

output "vm_id" {
  description = "Google's numeric id of the VM, which a replacement changes."
  value       = google_compute_instance.this.instance_id
}

output "vm_internal_ip" {
  description = "Address of the VM in its subnet."
  value       = google_compute_instance.this.network_interface[0].network_ip
}

output "boot_disk_name" {
  description = "Name of the boot disk, the source of snapshots."
  value       = google_compute_disk.boot.name
}

output "service_account_email" {
  description = "E-mail address of the VM's service account."
  value       = google_service_account.vm.email
}

output "ssh_keys" {
  description = "The operators' lines of the VM's metadata entry ssh-keys."
  value       = local.ssh_keys
}
