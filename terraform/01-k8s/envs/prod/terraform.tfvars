backend_bucket = "threads-ops-prod-tfstate"
