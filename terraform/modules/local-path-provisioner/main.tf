locals {
  directory = "${path.module}/manifests"

  # One object per file, so that the file's name is part of the resource's address.
  manifests = {
    for file in fileset(local.directory, "*.yaml") : trimsuffix(file, ".yaml") => templatefile("${local.directory}/${file}", {
      namespace    = var.namespace
      image        = var.image
      helper_image = var.helper_image
      path         = var.path
    })
  }
}

resource "kubectl_manifest" "this" {
  for_each = { for name, body in local.manifests : name => body if name != "deployment" }

  yaml_body = each.value
}

resource "kubectl_manifest" "deployment" {
  yaml_body        = local.manifests["deployment"]
  wait_for_rollout = true

  timeouts {
    create = "10m"
  }

  # It reads its configuration when it starts, and exits if it lacks the permission to list volumes.
  depends_on = [kubectl_manifest.this]
}
