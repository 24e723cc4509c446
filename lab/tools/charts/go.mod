module threads-ops/lab/tools/charts

go 1.24.0

require (
	github.com/argoproj/argo-cd/v3 v3.2.1
	github.com/external-secrets/external-secrets v1.3.2
)
