output "project_id" {
  description = "Google Cloud project that holds the environment."
  value       = var.project_id
}

output "region" {
  description = "Region of the environment."
  value       = var.region
}

output "zone" {
  description = "Zone of the VM."
  value       = var.zone
}

output "env" {
  description = "Name of the environment."
  value       = var.env
}

output "vm_name" {
  description = "Name of the VM."
  value       = module.compute.vm_name
}

output "vm_id" {
  description = "Google's numeric id of the VM, which a replacement changes."
  value       = module.compute.vm_id
}

output "vm_internal_ip" {
  description = "Address of the VM in its subnet."
  value       = module.compute.vm_internal_ip
}

output "boot_disk_name" {
  description = "Name of the VM's boot disk, the source of snapshots."
  value       = module.compute.boot_disk_name
}

output "service_account_email" {
  description = "E-mail address of the VM's service account."
  value       = module.compute.service_account_email
}

output "network_name" {
  description = "Name of the network."
  value       = module.networking.network_name
}

output "subnet_name" {
  description = "Name of the subnet."
  value       = module.networking.subnet_name
}

output "kubeconfig_path" {
  description = "Where the kubeconfig file belongs. May begin with ~, for the reader to expand."
  value       = module.kubectl_setup.kubeconfig_path
}

output "kube_context" {
  description = "Name of the context in the kubeconfig file."
  value       = module.kubectl_setup.kube_context
}

output "api_local_port" {
  description = "Local TCP port of the tunnel to the Kubernetes API; the kubeconfig's server is https://127.0.0.1:<port>."
  value       = module.kubectl_setup.api_local_port
}

output "ssh_keys" {
  description = "The operators' lines of the VM's metadata entry ssh-keys, which `up` keeps there."
  value       = module.compute.ssh_keys
}
