data "terraform_remote_state" "k8s" {
  backend = "gcs"

  config = {
    bucket = var.backend_bucket
    prefix = "01-k8s/state"
  }
}
