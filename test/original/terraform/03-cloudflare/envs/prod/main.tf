terraform {
  required_version = ">= 1.0"

  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.19.0"
    }
  }

  backend "gcs" {
    prefix = "03-cloudflare/state"
  }
}

provider "kubectl" {
  config_path      = pathexpand(data.terraform_remote_state.k8s.outputs.kubeconfig_path)
  load_config_file = true
}

# cloudflared, in the manifests, reads it.
resource "kubectl_manifest" "tunnel_token" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "cloudflared-token", namespace = "threads" }
    data       = { token = base64encode(var.cloudflare_api_token) }
  })
}
