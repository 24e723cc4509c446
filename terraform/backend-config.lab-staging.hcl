bucket = "threads-ops-lab-staging-tfstate"
