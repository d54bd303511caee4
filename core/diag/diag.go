// Package diag makes, orders and shows diagnostics: what is said to the
// person who wrote a stack. The one diagnostic type everywhere is
// hcl.Diagnostic; this package adds constructors, near-name suggestions,
// sorting, and a text and a JSON form.
//
// It imports nothing else of this project, so every phase may use it.
package diag

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// Error returns an error diagnostic. The summary is fixed words without user
// names; the detail says what is wrong, why if that is not plain, and what to
// do. A nil subject is for what has no place in a file.
func Error(subject *hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: subject}
}

// Errorf is Error with a formatted detail.
func Errorf(subject *hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return Error(subject, summary, fmt.Sprintf(format, args...))
}

// Warningf returns a warning diagnostic with a formatted detail.
func Warningf(subject *hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: subject,
	}
}

// FromError turns a program error into a diagnostic without a place in a file.
// Diagnostics wrapped in err are returned as they are.
func FromError(summary string, err error) hcl.Diagnostics {
	if err == nil {
		return nil
	}
	var diags hcl.Diagnostics
	if errors.As(err, &diags) {
		return diags
	}
	return hcl.Diagnostics{Error(nil, summary, sentence(err.Error()))}
}

// Bug returns the diagnostic for a case that cannot happen.
func Bug(subject *hcl.Range, format string, args ...any) *hcl.Diagnostic {
	return Error(subject, "Internal error", fmt.Sprintf(format, args...)+" This is a bug in moldctl.")
}

// WithAddress attaches the address of the stack item a diagnostic is about, so
// that text and JSON can name it even where no file range exists.
func WithAddress(d *hcl.Diagnostic, address string) *hcl.Diagnostic {
	clone := *d
	clone.Extra = addressed{address: address, next: d.Extra}
	return &clone
}

// WithAddresses is WithAddress for all of diags.
func WithAddresses(diags hcl.Diagnostics, address string) hcl.Diagnostics {
	out := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		out[i] = WithAddress(d, address)
	}
	return out
}

// Address returns the address attached by WithAddress, or "".
func Address(d *hcl.Diagnostic) string {
	if a, ok := hcl.DiagnosticExtra[addressed](d); ok {
		return a.address
	}
	return ""
}

// addressed carries an address in a diagnostic's Extra, keeping what was there.
type addressed struct {
	address string
	next    any
}

// UnwrapDiagnosticExtra lets hcl.DiagnosticExtra find what was there before.
func (a addressed) UnwrapDiagnosticExtra() any { return a.next }
