backend_bucket = "threads-ops-prod-tfstate"

repository_url = "https://github.com/unknowntpo/threads-nextjs.git"
revision       = "master"
path           = "k8s/base"

image_region = "us-east1"
