// Package sortorder stands in for the package of the same name at vbom.ml, a domain that is gone.
package sortorder

import "github.com/fvbommel/sortorder"

// Natural sorts strings as people do: numbers by value.
type Natural = sortorder.Natural

// NaturalLess compares as Natural does.
func NaturalLess(a, b string) bool { return sortorder.NaturalLess(a, b) }
