backend_bucket = "threads-ops-lab-tfstate"

repository_url = "http://git.lab/threads-ops.git"
revision       = "main"
path           = "k8s/overlays/lab"

image_region = "us-east1"
