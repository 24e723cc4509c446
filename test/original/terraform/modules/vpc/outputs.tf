output "vm_name" {
  value = module.compute.vm_name
}

output "vm_id" {
  value = module.compute.vm_id
}

output "vm_internal_ip" {
  value = module.compute.vm_internal_ip
}

output "service_account_email" {
  value = module.compute.service_account_email
}

output "network_name" {
  value = module.networking.network_name
}

output "subnet_name" {
  value = module.networking.subnet_name
}
