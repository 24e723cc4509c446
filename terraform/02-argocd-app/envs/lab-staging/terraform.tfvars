backend_bucket = "threads-ops-lab-staging-tfstate"

repository_url = "http://git.lab/threads-ops.git"
revision       = "main"
path           = "k8s/overlays/lab-staging"

# The lab applies a copy of this folder in .lab/terraform.
environment_file = "../../../../../environments/lab-staging.yaml"
