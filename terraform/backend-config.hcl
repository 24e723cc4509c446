bucket = "threads-ops-prod-tfstate"
