package sdk

import (
	"errors"
	"strings"

	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/wire"
)

// diagnose turns the error of a handler into diagnostics: each Problem in it
// keeps its attribute, the rest is told under the given summary.
func diagnose(summary string, err error) []*wire.Diagnostic {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*wire.Diagnostic
		for _, one := range many.Unwrap() {
			out = append(out, diagnose(summary, one)...)
		}
		return out
	}
	var p Problem
	if errors.As(err, &p) {
		return []*wire.Diagnostic{p.wire()}
	}
	return []*wire.Diagnostic{wire.Failure("", summary, sentence(err.Error()))}
}

func (p Problem) wire() *wire.Diagnostic {
	if p.Warning {
		return wire.Hint(p.Attribute, p.Summary, p.Detail)
	}
	return wire.Failure(p.Attribute, p.Summary, p.Detail)
}

func problems(list []Problem) []*wire.Diagnostic {
	out := make([]*wire.Diagnostic, 0, len(list))
	for _, p := range list {
		out = append(out, p.wire())
	}
	return out
}

func declared(list []declarative.Problem) []*wire.Diagnostic {
	out := make([]*wire.Diagnostic, 0, len(list))
	for _, p := range list {
		out = append(out, Problem(p).wire())
	}
	return out
}

// sentence makes the text of an error read as one.
func sentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return text
}
