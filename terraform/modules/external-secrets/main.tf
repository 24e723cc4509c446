locals {
  resources = {
    requests = { cpu = "10m", memory = "64Mi" }
    limits   = { memory = "192Mi" }
  }
}

resource "helm_release" "this" {
  name       = "external-secrets"
  namespace  = var.namespace
  chart      = var.chart
  repository = var.chart_repository
  version    = var.chart_version

  wait        = true
  timeout     = var.timeout_seconds
  max_history = 5

  values = [yamlencode({
    installCRDs = true
    resources   = local.resources
    webhook = {
      failurePolicy = var.webhook_failure_policy
      resources     = local.resources
    }
    certController = {
      resources = local.resources
    }
  })]
}

# No credentials: the operator takes those of the VM's service account from the metadata server.
resource "kubectl_manifest" "secret_store" {
  count = var.secret_manager_project == null ? 0 : 1

  yaml_body = yamlencode({
    apiVersion = "external-secrets.io/v1"
    kind       = "ClusterSecretStore"
    metadata = {
      name = "secret-manager"
    }
    spec = {
      provider = {
        gcpsm = {
          projectID = var.secret_manager_project
        }
      }
    }
  })

  depends_on = [helm_release.this]
}

# The operator signs in to Secret Manager with the VM's token; its webhook and its certificate controller do not.
resource "kubectl_manifest" "metadata_server" {
  yaml_body = yamlencode({
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata = {
      name      = "external-secrets-metadata-server"
      namespace = var.namespace
      labels = {
        "app.kubernetes.io/managed-by" = "threads-ops"
      }
    }
    spec = {
      podSelector = {
        matchLabels = {
          "app.kubernetes.io/name" = "external-secrets"
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
