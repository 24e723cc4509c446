backend_bucket = "threads-ops-prod-tfstate"

repository_url = "https://github.com/unknowntpo/threads-nextjs.git"
revision       = "master"
path           = "k8s/base"

environment_file = "../../../../environments/prod.yaml"
