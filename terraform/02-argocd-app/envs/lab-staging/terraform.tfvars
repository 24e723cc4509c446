backend_bucket = "threads-ops-lab-staging-tfstate"

repository_url = "http://git.lab/threads-ops.git"
revision       = "main"
path           = "k8s/overlays/lab-staging"

# Staging runs the images of the other environment.
image_region  = "us-east1"
image_project = "web-service-design"
