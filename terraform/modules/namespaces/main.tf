resource "kubectl_manifest" "this" {
  for_each = var.names

  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name = each.value
      labels = {
        "app.kubernetes.io/managed-by" = "threads-ops"
        environment                    = var.environment
      }
    }
  })

  # The next apply would fail while a namespace is still terminating.
  wait = true
}
