package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
)

// Kind describes one kind of pipeline step.
type Kind struct {
	Schema hcldec.Spec // of the step's body, an object
	Files  []string    // attributes that name files beside the stack
}

// Pipeline evaluates a pipeline to an object of its name, its digest and its
// steps. Each step is an object of its kind, its label, and the attributes of
// its kind. `name` is the label too, unless the kind has an attribute of that
// name. A file attribute becomes an absolute path and gets a companion with the
// suffix _sha256 that holds the digest of the file's content.
//
// The pipeline's digest covers what the steps do: not their labels, and of
// files only the content. It is unknown if any part is, and sensitive if any
// part is.
func (s Scope) Pipeline(p *spec.Pipeline, kinds map[string]Kind) (cty.Value, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var steps, digested []cty.Value
	for _, step := range p.Steps {
		kind, ok := kinds[step.Kind]
		if !ok {
			diags = append(diags, unknownKind(step, kinds))
			continue
		}
		attrs, more := s.step(step, kind)
		diags = append(diags, more...)
		if more.HasErrors() {
			continue
		}
		digested = append(digested, digestPart(step, kind, attrs))
		if _, ok := attrs["name"]; !ok {
			attrs["name"] = cty.StringVal(step.Name)
		}
		attrs["kind"], attrs["label"] = cty.StringVal(step.Kind), cty.StringVal(step.Name)
		steps = append(steps, cty.ObjectVal(attrs))
	}
	digest := cty.UnknownVal(cty.String)
	if !diags.HasErrors() {
		digest = digestOf(cty.TupleVal(digested))
	}
	return cty.ObjectVal(map[string]cty.Value{
		"name": cty.StringVal(p.Name), "digest": digest, "steps": cty.TupleVal(steps),
	}), diags
}

// PipelineReferences resolves what a pipeline refers to. Steps of unknown kinds
// are left out; Pipeline reports them.
func (n *Names) PipelineReferences(p *spec.Pipeline, kinds map[string]Kind) ([]Ref, hcl.Diagnostics) {
	var refs []Ref
	var diags hcl.Diagnostics
	for _, step := range p.Steps {
		if kind, ok := kinds[step.Kind]; ok {
			found, more := n.BodyReferences(step.Body, kind.Schema, Allowed{})
			refs, diags = append(refs, found...), append(diags, more...)
		}
	}
	return refs, diags
}

func (s Scope) step(step *spec.Step, kind Kind) (map[string]cty.Value, hcl.Diagnostics) {
	v, diags := s.Decode(step.Body, kind.Schema)
	if diags.HasErrors() {
		return nil, diags
	}
	attrs := v.AsValueMap()
	if attrs == nil {
		attrs = map[string]cty.Value{}
	}
	for _, name := range kind.Files {
		file, sum, err := s.fileOf(attrs[name])
		if err != nil {
			diags = append(diags, diag.Errorf(attributeRange(step, kind, name), "Unreadable file",
				"The file of %q cannot be used: %s.", name, err))
			continue
		}
		attrs[name], attrs[name+"_sha256"] = file, sum
	}
	return attrs, diags
}

// fileOf makes a file name absolute and digests the file.
func (s Scope) fileOf(name cty.Value) (file, sum cty.Value, err error) {
	if name == cty.NilVal || name.IsNull() {
		return cty.NullVal(cty.String), cty.NullVal(cty.String), nil
	}
	plain, marks := name.Unmark()
	if !plain.IsKnown() {
		return name, cty.UnknownVal(cty.String).WithMarks(marks), nil
	}
	in := filesOf(s.Names.stack)
	digest, err := in.digest(plain.AsString())
	if err != nil {
		return name, cty.NilVal, err
	}
	return cty.StringVal(in.locate(plain.AsString())).WithMarks(marks), cty.StringVal(digest).WithMarks(marks), nil
}

func attributeRange(step *spec.Step, kind Kind, name string) *hcl.Range {
	if object, ok := kind.Schema.(hcldec.ObjectSpec); ok && object[name] != nil {
		return hcldec.SourceRange(step.Body, object[name]).Ptr()
	}
	return step.Range.Ptr()
}

// digestPart is what of a step enters the digest. Absent attributes are left
// out, so that a kind may gain attributes without rebuilding every image.
func digestPart(step *spec.Step, kind Kind, attrs map[string]cty.Value) cty.Value {
	part := map[string]cty.Value{}
	for name, v := range attrs {
		if plain, _ := v.Unmark(); plain.IsNull() || slices.Contains(kind.Files, name) {
			continue
		}
		part[name] = v
	}
	return cty.TupleVal([]cty.Value{cty.StringVal(step.Kind), cty.ObjectVal(part)})
}

func digestOf(steps cty.Value) cty.Value {
	plain, marks := steps.UnmarkDeep()
	if !plain.IsWhollyKnown() {
		return cty.UnknownVal(cty.String).WithMarks(marks)
	}
	text, err := ctyjson.Marshal(plain, plain.Type()) // sorts the names of attributes
	if err != nil {
		return cty.UnknownVal(cty.String).WithMarks(marks) // capsules, which no schema has
	}
	sum := sha256.Sum256(text)
	return cty.StringVal(hex.EncodeToString(sum[:])).WithMarks(marks)
}

func unknownKind(step *spec.Step, kinds map[string]Kind) *hcl.Diagnostic {
	names := slices.Sorted(maps.Keys(kinds))
	hint := diag.DidYouMean(step.Kind, names)
	if hint == "" {
		hint = fmt.Sprintf(" The kinds are %s.", strings.Join(names, ", "))
	}
	return diag.Errorf(step.KindRange.Ptr(), "Unknown kind of step", "No plugin knows steps of the kind %q.%s", step.Kind, hint)
}
