backend_bucket = "threads-ops-lab-staging-tfstate"

# The lab applies a copy of this folder in .lab/terraform: this is .lab/charts.
charts_directory = "../../../../charts"
