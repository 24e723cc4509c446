project_id = "web-service-design"
env        = "prod"
region     = "us-east1"
zone       = "us-east1-b"

# Whether Google may stop the VM at any time, for a much lower price.
spot                = true
deletion_protection = true

kubeconfig_directory = "~/.kube"
api_local_port       = 16443

# Who may log in: user name to OpenSSH public key. Public keys are not secret; a change reaches the VM within seconds.
ssh_keys = {}
