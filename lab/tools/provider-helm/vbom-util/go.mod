module vbom.ml/util

go 1.24.0

require github.com/fvbommel/sortorder v1.1.0
