package diag

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Sort returns diags without repetitions: errors before warnings, those
// without a place first, then by file and position, at one position by text:
// the schema decoder visits arguments in no order. Those without a place keep
// theirs.
func Sort(diags hcl.Diagnostics) hcl.Diagnostics {
	seen := map[identity]bool{}
	var out hcl.Diagnostics
	for _, d := range diags {
		if id := identify(d); !seen[id] {
			seen[id] = true
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b *hcl.Diagnostic) int {
		order := cmp.Or(cmp.Compare(a.Severity, b.Severity), compareRanges(a.Subject, b.Subject))
		if order != 0 || a.Subject == nil {
			return order
		}
		return cmp.Or(cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
	return out
}

// Errors returns only the errors among diags.
func Errors(diags hcl.Diagnostics) hcl.Diagnostics {
	return slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool { return d.Severity != hcl.DiagError })
}

type identity struct {
	severity        hcl.DiagnosticSeverity
	summary, detail string
	address         string
	subject         hcl.Range
	hasSubject      bool
}

func identify(d *hcl.Diagnostic) identity {
	id := identity{severity: d.Severity, summary: d.Summary, detail: d.Detail, address: Address(d)}
	if d.Subject != nil {
		id.subject, id.hasSubject = *d.Subject, true
	}
	return id
}

func compareRanges(a, b *hcl.Range) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(a.Filename, b.Filename), cmp.Compare(a.Start.Byte, b.Start.Byte))
}
