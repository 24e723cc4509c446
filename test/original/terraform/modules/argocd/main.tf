variable "charts" {
  type = string
}

resource "helm_release" "argocd" {
  name             = "argocd"
  chart            = "${var.charts}/argo-cd"
  namespace        = "argocd"
  create_namespace = true
  timeout          = 900
}

output "namespace" {
  value = helm_release.argocd.namespace
}
