package spec

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Constraint is a set of conditions on a version, all of which must hold, such
// as ">= 0.1, < 2" or "~> 1.2".
type Constraint struct {
	text  string
	terms []versionTerm
}

type versionTerm struct {
	op      string
	version [3]int
	given   int // how many numbers were written
}

// ParseConstraint reads a constraint: comma-separated terms of an operator
// (=, !=, >, >=, <, <=, ~>; none means =) and a version of one to three numbers.
func ParseConstraint(text string) (Constraint, error) {
	c := Constraint{text: text}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		digits := strings.TrimLeft(part, "=!<>~")
		op := part[:len(part)-len(digits)]
		switch op {
		case "":
			op = "="
		case "=", "!=", ">", ">=", "<", "<=", "~>":
		default:
			return Constraint{}, fmt.Errorf("%q is no operator: use =, !=, >, >=, <, <= or ~>", op)
		}
		version, given, err := parseVersion(strings.TrimSpace(digits))
		if err != nil {
			return Constraint{}, err
		}
		c.terms = append(c.terms, versionTerm{op, version, given})
	}
	return c, nil
}

// String returns the constraint as it was written.
func (c Constraint) String() string { return c.text }

// Allows reports whether version satisfies the constraint. A pre-release or
// build suffix of version is ignored: 1.2.0-rc1 counts as 1.2.0.
func (c Constraint) Allows(version string) (bool, error) {
	version = strings.TrimPrefix(version, "v")
	if i := strings.IndexAny(version, "-+"); i >= 0 {
		version = version[:i]
	}
	have, _, err := parseVersion(version)
	if err != nil {
		return false, err
	}
	for _, t := range c.terms {
		if !t.allows(have) {
			return false, nil
		}
	}
	return true, nil
}

func (t versionTerm) allows(have [3]int) bool {
	order := cmp.Or(cmp.Compare(have[0], t.version[0]), cmp.Compare(have[1], t.version[1]), cmp.Compare(have[2], t.version[2]))
	switch t.op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	}
	// ~> lets the last number written grow, those before it stay.
	if order < 0 {
		return false
	}
	for i := 0; i < max(t.given-1, 1); i++ {
		if have[i] != t.version[i] {
			return false
		}
	}
	return true
}

func parseVersion(s string) (version [3]int, given int, err error) {
	parts := strings.Split(s, ".")
	if len(parts) > 3 {
		return version, 0, fmt.Errorf("%q is no version: use up to three numbers, as in 1.2.3", s)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return version, 0, fmt.Errorf("%q is no version: use up to three numbers, as in 1.2.3", s)
		}
		version[i] = int(n)
	}
	return version, len(parts), nil
}
