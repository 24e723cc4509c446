# Whatever is committed to the repository, Argo CD applies it with the rights of a cluster's administrator: the project bounds that.
resource "kubectl_manifest" "project" {
  yaml_body = yamlencode({
    apiVersion = "argoproj.io/v1alpha1"
    kind       = "AppProject"
    metadata = {
      name      = var.name
      namespace = var.argocd_namespace
      labels = {
        "app.kubernetes.io/managed-by" = "threads-ops"
        environment                    = var.environment
      }
    }
    spec = {
      description  = "What ${var.name} may consist of, and where"
      sourceRepos  = [var.repository_url]
      destinations = [{ server = "https://kubernetes.default.svc", namespace = var.destination_namespace }]

      clusterResourceWhitelist   = var.cluster_kinds
      namespaceResourceWhitelist = var.kinds
    }
  })
}

resource "kubectl_manifest" "application" {
  yaml_body = templatefile("${path.module}/templates/threads-app.yaml", {
    name                  = var.name
    project               = var.name
    pod_security          = var.pod_security
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
    # Argo CD drops fields that are false from the Application, which every plan would then show as a change.
    "spec.syncPolicy.automated.allowEmpty",
  ]

  # An Application without its project is neither synced nor cleaned up.
  depends_on = [kubectl_manifest.project]

  # On destroy: time for Argo CD to delete what the Application created, and to remove its finalizer.
  wait = true

  timeouts {
    create = "10m"
  }
}

# Since 1.0 the Image Updater considers only Applications that an ImageUpdater selects.
resource "kubectl_manifest" "image_updater" {
  yaml_body = templatefile("${path.module}/templates/image-updater.yaml", {
    name             = var.name
    argocd_namespace = var.argocd_namespace
    environment      = var.environment
  })

  depends_on = [kubectl_manifest.application]
}
