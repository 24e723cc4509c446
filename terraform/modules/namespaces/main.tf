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

  # A namespace that is still terminating would make the next apply fail.
  wait = true
}
