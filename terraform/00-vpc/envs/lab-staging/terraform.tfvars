project_id  = "web-service-staging"
env         = "lab-staging"
region      = "us-east1"
zone        = "us-east1-c"
subnet_cidr = "10.150.0.0/20"

# Whether Google may stop the VM at any time, for a much lower price.
spot                = true
deletion_protection = false

# The lab applies a copy of this folder in .lab/terraform: this is .lab/kube.
kubeconfig_directory = "../../../../kube"
api_local_port       = 26444

# The lab creates a key pair when it starts, and puts its public half into lab.auto.tfvars.json next to this file.
