variable "vm_id" {
  type = string
}

variable "command" {
  type = string
}

resource "terraform_data" "kubectl_setup" {
  triggers_replace = var.vm_id

  provisioner "local-exec" {
    command = var.command
  }
}

output "complete" {
  value = terraform_data.kubectl_setup.id != ""
}
