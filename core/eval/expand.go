package eval

import (
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// maxInstances keeps a slip of the pen from filling the memory.
const maxInstances = 100_000

// Instance is one instance a block expands to.
type Instance struct {
	Key  addr.Key
	Each Each // zero unless the block has for_each
}

// Each is what each means in an instance of a block with for_each.
type Each struct {
	Key, Value cty.Value
}

// counted reports whether the instance comes from count.
func (i Instance) counted() bool {
	_, ok := i.Key.Int()
	return ok
}

// each reports whether the instance comes from for_each.
func (i Instance) each() bool {
	_, ok := i.Key.Text()
	return ok
}

// Expand evaluates count or for_each of a block and returns its instances in
// the order of their keys. A block with neither has one instance.
func (s Scope) Expand(r *spec.Resource) ([]Instance, hcl.Diagnostics) {
	switch {
	case r.Count != nil:
		return s.count(r)
	case r.ForEach != nil:
		return s.forEach(r)
	}
	return []Instance{{}}, nil
}

// ExpandModule returns the instances of a module.
func (s Scope) ExpandModule(m *spec.Module) ([]Instance, hcl.Diagnostics) {
	return s.Expand(&spec.Resource{Count: m.Count, ForEach: m.ForEach})
}

func (s Scope) count(r *spec.Resource) ([]Instance, hcl.Diagnostics) {
	v, diags := s.expansion(r.Count, "count", cty.Number)
	if diags.HasErrors() {
		return nil, diags
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact || n < 0 || n > maxInstances {
		return nil, append(diags, s.explain(r.Count, "Invalid count", "The count must be a whole number from 0 to 100000."))
	}
	instances := make([]Instance, n)
	for i := range instances {
		instances[i] = Instance{Key: addr.IntKey(i)}
	}
	return instances, diags
}

func (s Scope) forEach(r *spec.Resource) ([]Instance, hcl.Diagnostics) {
	v, diags := s.expansion(r.ForEach, "for_each", cty.DynamicPseudoType)
	if diags.HasErrors() {
		return nil, diags
	}
	ty := v.Type()
	isSet := ty.IsSetType() && (ty.ElementType() == cty.String || v.LengthInt() == 0)
	if !isSet && !ty.IsMapType() && !ty.IsObjectType() {
		hint := ""
		if ty.IsListType() || ty.IsTupleType() || ty.IsSetType() {
			hint = " A list of texts becomes a set with toset(...)."
		}
		return nil, append(diags, s.explain(r.ForEach, "Invalid for_each",
			"The value must be a map or a set of texts, and this is a "+ty.FriendlyName()+"."+hint))
	}
	instances := make([]Instance, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if isSet {
			key = value
		}
		if !key.IsKnown() || key.IsNull() {
			return nil, append(diags, s.explain(r.ForEach, "Invalid for_each", "Every key must be a text, and one here is null or known only after apply."))
		}
		instances = append(instances, Instance{Key: addr.StringKey(key.AsString()), Each: Each{Key: key, Value: value}})
	}
	slices.SortFunc(instances, func(a, b Instance) int { return a.Key.Compare(b.Key) })
	return instances, diags
}

// expansion evaluates count or for_each and refuses what no instances can be
// made of.
func (s Scope) expansion(expr hcl.Expression, name string, want cty.Type) (cty.Value, hcl.Diagnostics) {
	v, diags := s.Value(expr, want)
	if diags.HasErrors() {
		return v, diags
	}
	if v.IsMarked() {
		return v, append(diags, s.explain(expr, "Sensitive "+name,
			"Instances are named after this value, so it cannot be sensitive. If it may be shown, wrap it in nonsensitive(...)."))
	}
	if v.IsNull() {
		return v, append(diags, s.explain(expr, "Invalid "+name, "The value is null. For no instance write "+map[string]string{"count": "0", "for_each": "{}"}[name]+"."))
	}
	if !v.IsKnown() || (v.Type().IsSetType() && !v.IsWhollyKnown()) {
		return v, append(diags, s.explain(expr, "Unknown "+name, s.wayOut(expr, name)))
	}
	return v, diags
}

// wayOut says which references are not known yet and what to do about it.
func (s Scope) wayOut(expr hcl.Expression, name string) string {
	var unknown []string
	ctx, _ := s.Context(expr.Variables())
	for _, t := range expr.Variables() {
		v, diags := t.TraverseAbs(ctx)
		text := diag.Traversal(t)
		if !diags.HasErrors() && !v.IsWhollyKnown() && !slices.Contains(unknown, text) {
			unknown = append(unknown, text)
		}
	}
	detail := "The value is known only after apply"
	if len(unknown) > 0 {
		detail += ", because of " + strings.Join(unknown, ", ")
	}
	detail += ", but the plan must know which instances there are. "
	if name == "for_each" {
		return detail + "Use keys written in the stack, and put what is not known yet into the values of the map."
	}
	return detail + "Use a number from a variable or from something that exists already."
}

// explain makes an error about an expression that shows the values in it.
func (s Scope) explain(expr hcl.Expression, summary, detail string) *hcl.Diagnostic {
	d := diag.Error(expr.Range().Ptr(), summary, detail)
	if ctx, diags := s.Context(expr.Variables()); !diags.HasErrors() {
		d.Expression, d.EvalContext = expr, ctx
	}
	return d
}

// Compose makes the value of a whole block from the values of its instances: a
// tuple for count, an object by key for for_each, else the single value.
func Compose(r *spec.Resource, values map[addr.Key]cty.Value) cty.Value {
	switch {
	case r.Count != nil:
		tuple := make([]cty.Value, 0, len(values))
		for i := 0; ; i++ {
			v, ok := values[addr.IntKey(i)]
			if !ok {
				return cty.TupleVal(tuple)
			}
			tuple = append(tuple, v)
		}
	case r.ForEach != nil:
		object := make(map[string]cty.Value, len(values))
		for key, v := range values {
			if text, ok := key.Text(); ok {
				object[text] = v
			}
		}
		return cty.ObjectVal(object)
	}
	if v, ok := values[addr.NoKey()]; ok {
		return v
	}
	return cty.DynamicVal
}
