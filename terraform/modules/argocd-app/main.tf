resource "kubectl_manifest" "application" {
  yaml_body = templatefile("${path.module}/templates/threads-app.yaml", {
    name                  = var.name
    argocd_namespace      = var.argocd_namespace
    environment           = var.environment
    repository_url        = var.repository_url
    revision              = var.revision
    path                  = var.path
    destination_namespace = var.destination_namespace
    images                = var.images
  })

  ignore_fields = [
    # The Image Updater writes the running images there: an apply must not roll them back.
    "spec.source.kustomize.images",
    # Argo CD rewrites the Application without fields that are false, which every plan would then take for a change.
    "spec.syncPolicy.automated.allowEmpty",
  ]

  # On destroy: until Argo CD has removed what the Application made and taken its finalizer off.
  wait = true

  timeouts {
    create = "10m"
  }
}

# Since 1.0 the Image Updater looks only at Applications that an ImageUpdater selects.
resource "kubectl_manifest" "image_updater" {
  yaml_body = templatefile("${path.module}/templates/image-updater.yaml", {
    name             = var.name
    argocd_namespace = var.argocd_namespace
    environment      = var.environment
  })

  depends_on = [kubectl_manifest.application]
}
