locals {
  credentials_script = "artifact-registry-credentials.sh"
}

resource "helm_release" "this" {
  name       = "argocd-image-updater"
  namespace  = var.namespace
  chart      = var.chart
  repository = var.chart_repository
  version    = var.chart_version

  wait        = true
  timeout     = var.timeout_seconds
  max_history = 5

  values = [yamlencode({
    extraArgs = ["--interval", var.interval]
    config = {
      "kube.events" = true
      registries = [{
        name        = "Artifact Registry"
        prefix      = var.registry_host
        api_url     = "https://${var.registry_host}"
        credentials = "ext:/scripts/${local.credentials_script}"
        # The metadata server's tokens live for an hour at most, and it may hand out one that is about to expire.
        credsexpire = "30m"
        ping        = false
      }]
    }
    authScripts = {
      enabled = true
      scripts = {
        (local.credentials_script) = file("${path.module}/files/${local.credentials_script}")
      }
    }
    resources = {
      requests = { cpu = "10m", memory = "64Mi" }
      limits   = { memory = "128Mi" }
    }
  })]
}

# It signs in to Artifact Registry with the VM's token.
resource "kubectl_manifest" "metadata_server" {
  yaml_body = yamlencode({
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata = {
      name      = "argocd-image-updater-metadata-server"
      namespace = var.namespace
      labels = {
        "app.kubernetes.io/managed-by" = "threads-ops"
      }
    }
    spec = {
      podSelector = {
        matchLabels = {
          "app.kubernetes.io/name" = "argocd-image-updater"
        }
      }
      policyTypes = ["Egress"]
      egress = [{
        to    = [{ ipBlock = { cidr = "169.254.169.254/32" } }]
        ports = [{ protocol = "TCP", port = 80 }]
      }]
    }
  })
}
