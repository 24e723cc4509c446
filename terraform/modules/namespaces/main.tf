resource "kubectl_manifest" "this" {
  for_each = var.levels

  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name = each.key
      labels = {
        "app.kubernetes.io/managed-by"       = "threads-ops"
        "pod-security.kubernetes.io/enforce" = each.value
        environment                          = var.environment
      }
    }
  })

  # The next apply would fail while a namespace is still terminating.
  wait = true
}

# The metadata server hands the VM's token to whoever asks. What needs one has a policy that adds it, next to its release.
resource "kubectl_manifest" "no_metadata_server" {
  for_each = var.levels

  yaml_body = yamlencode({
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata = {
      name      = "no-metadata-server"
      namespace = kubectl_manifest.this[each.key].name
      labels = {
        "app.kubernetes.io/managed-by" = "threads-ops"
        environment                    = var.environment
      }
    }
    spec = {
      podSelector = {}
      policyTypes = ["Egress"]
      egress = [{
        to = [
          # Some networks match other pods only by selector.
          { namespaceSelector = {} },
          { ipBlock = { cidr = "0.0.0.0/0", except = ["169.254.169.254/32"] } },
        ]
      }]
    }
  })
}
