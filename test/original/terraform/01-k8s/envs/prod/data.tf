data "terraform_remote_state" "vpc" {
  backend = "gcs"

  config = {
    bucket = var.backend_bucket
    prefix = "00-vpc/state"
  }
}
