terraform {
  required_providers {
    helm = {
      source = "hashicorp/helm"
    }
    kubectl = {
      source = "gavinbunney/kubectl"
    }
  }
}

variable "charts" {
  type = string
}

variable "gcr_json_key" {
  type      = string
  sensitive = true
}

variable "interval" {
  type = string
}

locals {
  registry = "us-east1-docker.pkg.dev"

  pull_secrets = {
    gcr-json-key      = "threads"
    gcr-image-updater = "argocd"
  }

  docker_config = jsonencode({
    auths = {
      (local.registry) = {
        username = "_json_key"
        password = var.gcr_json_key
        auth     = base64encode("_json_key:${var.gcr_json_key}")
      }
    }
  })
}

resource "kubectl_manifest" "gcr_json_key" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "gcr-json-key", namespace = local.pull_secrets["gcr-json-key"] }
    type       = "kubernetes.io/dockerconfigjson"
    data       = { ".dockerconfigjson" = base64encode(local.docker_config) }
  })
}

resource "kubectl_manifest" "gcr_image_updater" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "gcr-image-updater", namespace = local.pull_secrets["gcr-image-updater"] }
    type       = "kubernetes.io/dockerconfigjson"
    data       = { ".dockerconfigjson" = base64encode(local.docker_config) }
  })
}

resource "helm_release" "argocd_image_updater" {
  name      = "argocd-image-updater"
  chart     = "${var.charts}/argocd-image-updater"
  namespace = "argocd"
  timeout   = 900

  # Before 1.0 there was no such kind: annotations alone.
  skip_crds = true

  values = [yamlencode({
    extraArgs = ["--interval", var.interval]
    config = {
      registries = [{
        name        = "Artifact Registry"
        prefix      = local.registry
        api_url     = "https://${local.registry}"
        credentials = "pullsecret:argocd/gcr-image-updater"
      }]
    }
  })]
}
