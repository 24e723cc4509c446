backend_bucket = "threads-ops-prod-tfstate"

repository_url = "https://github.com/unknowntpo/threads-nextjs.git"
revision       = "master"
path           = "k8s/base"

# The manifests in that repository are its own. Raise it to restricted, as in the lab, once all of its pods fit that level.
pod_security = "baseline"

environment_file = "../../../../environments/prod.yaml"
