variable "charts" {
  type = string
}

resource "helm_release" "external_secrets" {
  name             = "external-secrets"
  chart            = "${var.charts}/external-secrets"
  namespace        = "external-secrets-system"
  create_namespace = true
  timeout          = 900

  set {
    name  = "installCRDs"
    value = "true"
  }
}
