package wire

import "github.com/hashicorp/hcl/v2"

// Failure makes an error diagnostic about an attribute; "" is the whole object.
func Failure(attribute, summary, detail string) *Diagnostic {
	return &Diagnostic{Severity: Diagnostic_ERROR, Attribute: attribute, Summary: summary, Detail: detail}
}

// Hint makes a warning diagnostic about an attribute; "" is the whole object.
func Hint(attribute, summary, detail string) *Diagnostic {
	return &Diagnostic{Severity: Diagnostic_WARNING, Attribute: attribute, Summary: summary, Detail: detail}
}

// Failed tells whether an error is among diagnostics.
func Failed(diags []*Diagnostic) bool {
	for _, d := range diags {
		if d.GetSeverity() == Diagnostic_ERROR {
			return true
		}
	}
	return false
}

// FromHCL converts diagnostics. Their ranges lie in the plugin's own files and
// mean nothing to the host, so they do not travel.
func FromHCL(diags hcl.Diagnostics) []*Diagnostic {
	out := make([]*Diagnostic, 0, len(diags))
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			out = append(out, Failure("", d.Summary, d.Detail))
			continue
		}
		out = append(out, Hint("", d.Summary, d.Detail))
	}
	return out
}
