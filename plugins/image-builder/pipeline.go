package imagebuilder

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// step is one step of a pipeline: its attributes by name.
type step struct {
	kind  string
	name  string
	attrs map[string]cty.Value
}

// pipelineDigest is the digest the host computed over the steps, empty without a pipeline.
func pipelineDigest(v cty.Value) (string, error) {
	if v == cty.NilVal || v.IsNull() {
		return "", nil
	}
	digest, ok := field(v, "digest")
	if !ok || !digest.IsKnown() || digest.IsNull() || digest.Type() != cty.String {
		return "", fmt.Errorf("the pipeline has no digest; give a pipeline block, for example pipeline = pipeline.httpd")
	}
	return digest.AsString(), nil
}

// pipelineSteps takes a pipeline value apart.
func pipelineSteps(v cty.Value) ([]step, error) {
	if v == cty.NilVal || v.IsNull() {
		return nil, nil
	}
	steps, ok := field(v, "steps")
	if !ok || !steps.IsWhollyKnown() || !steps.CanIterateElements() {
		return nil, fmt.Errorf("the pipeline has no steps; give a pipeline block, for example pipeline = pipeline.httpd")
	}
	var out []step
	for it := steps.ElementIterator(); it.Next(); {
		_, value := it.Element()
		if !value.Type().IsObjectType() && !value.Type().IsMapType() {
			return nil, fmt.Errorf("a step of the pipeline is no object but %s", value.Type().FriendlyName())
		}
		s := step{attrs: value.AsValueMap()}
		s.kind, s.name = s.text("kind"), s.text("label")
		if s.name == "" {
			s.name = s.text("name")
		}
		out = append(out, s)
	}
	return out, nil
}

func field(v cty.Value, name string) (cty.Value, bool) {
	if v.Type().IsObjectType() && v.Type().HasAttribute(name) {
		return v.GetAttr(name), true
	}
	return cty.NilVal, false
}

func (s step) value(name string, kind cty.Type) (cty.Value, bool) {
	v, ok := s.attrs[name]
	if !ok || v.IsNull() || v.Type() != kind {
		return cty.NilVal, false
	}
	return v, true
}

// text is a string attribute, empty when it was left out.
func (s step) text(name string) string {
	if v, ok := s.value(name, cty.String); ok {
		return v.AsString()
	}
	return ""
}

// textOr is a string attribute or what stands in for it.
func (s step) textOr(name, otherwise string) string {
	if v := s.text(name); v != "" {
		return v
	}
	return otherwise
}

func (s step) number(name string, otherwise int) int {
	if v, ok := s.value(name, cty.Number); ok {
		n, _ := v.AsBigFloat().Int64()
		return int(n)
	}
	return otherwise
}

func (s step) flag(name string, otherwise bool) bool {
	if v, ok := s.value(name, cty.Bool); ok {
		return v.True()
	}
	return otherwise
}

// list is an attribute of several strings, however its collection is typed.
func (s step) list(name string) []string {
	v, ok := s.attrs[name]
	if !ok || v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	var out []string
	for it := v.ElementIterator(); it.Next(); {
		if _, item := it.Element(); !item.IsNull() && item.Type() == cty.String {
			out = append(out, item.AsString())
		}
	}
	return out
}

func (s step) pairs(name string) map[string]string {
	v, ok := s.attrs[name]
	if !ok || v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	out := map[string]string{}
	for it := v.ElementIterator(); it.Next(); {
		if key, item := it.Element(); key.Type() == cty.String && !item.IsNull() && item.Type() == cty.String {
			out[key.AsString()] = item.AsString()
		}
	}
	return out
}
