locals {
  # Sized for the whole system on one VM of 8 GB. Memory is limited, processor time is not: a throttled controller only syncs late.
  resources = {
    for component, memory in {
      controller     = ["256Mi", "768Mi"]
      repoServer     = ["128Mi", "512Mi"]
      server         = ["64Mi", "256Mi"]
      applicationSet = ["64Mi", "128Mi"]
      notifications  = ["64Mi", "128Mi"]
      redis          = ["32Mi", "128Mi"]
      dex            = ["32Mi", "128Mi"]
      } : component => {
      resources = {
        requests = { cpu = "20m", memory = memory[0] }
        limits   = { memory = memory[1] }
      }
    }
  }
}

resource "helm_release" "this" {
  name       = "argocd"
  namespace  = var.namespace
  chart      = var.chart
  repository = var.chart_repository
  version    = var.chart_version

  wait        = true
  timeout     = var.timeout_seconds
  max_history = 5

  values = [yamlencode(merge(local.resources, {
    crds = {
      # Removing the definitions would remove every Application, and with them the workloads.
      keep = true
    }
  }))]
}
