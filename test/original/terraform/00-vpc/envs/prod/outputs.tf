output "vm_name" {
  value = module.vpc.vm_name
}

output "vm_id" {
  value = module.vpc.vm_id
}

output "vm_internal_ip" {
  value = module.vpc.vm_internal_ip
}

output "service_account_email" {
  value = module.vpc.service_account_email
}

output "network_name" {
  value = module.vpc.network_name
}

output "subnet_name" {
  value = module.vpc.subnet_name
}

output "kubeconfig_path" {
  value = "~/.kube/config-threads-k0s"
}

output "project_id" {
  value = var.project_id
}

output "region" {
  value = var.region
}

output "zone" {
  value = var.zone
}

output "env" {
  value = var.env
}

output "kubectl_setup_complete" {
  value = module.kubectl_setup.complete
}
