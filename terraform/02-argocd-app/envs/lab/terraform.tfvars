backend_bucket = "threads-ops-lab-tfstate"

repository_url = "http://git.lab/threads-ops.git"
revision       = "main"
path           = "k8s/overlays/lab"

# The lab applies a copy of this folder in .lab/terraform.
environment_file = "../../../../../environments/lab.yaml"
