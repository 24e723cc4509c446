terraform {
  required_providers {
    kubectl = {
      source = "gavinbunney/kubectl"
    }
  }
}

variable "namespace" {
  type = string
}

variable "repository" {
  type = string
}

variable "revision" {
  type = string
}

variable "path" {
  type = string
}

resource "kubectl_manifest" "threads_app" {
  yaml_body = templatefile("${path.module}/threads-app.yaml", {
    namespace  = var.namespace
    repository = var.repository
    revision   = var.revision
    path       = var.path
  })

  # Argo CD drops a field that is false, and the Image Updater writes the running images there.
  ignore_fields = ["spec.syncPolicy.automated.allowEmpty", "spec.source.kustomize"]
}

output "app_name" {
  value = kubectl_manifest.threads_app.name
}

output "app_namespace" {
  value = kubectl_manifest.threads_app.namespace
}
