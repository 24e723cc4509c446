bucket = "threads-ops-lab-tfstate"
