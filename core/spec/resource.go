package spec

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/addr"
)

func (d *decoder) resource(b *hcl.Block) {
	if r := d.resourceBlock(b); r != nil {
		d.stack.Resources = append(d.stack.Resources, r)
	}
}

// resourceBlock decodes a resource or data block; nil if its frame is wrong.
func (d *decoder) resourceBlock(b *hcl.Block) *Resource {
	r := &Resource{
		Addr:  addr.Resource{Type: b.Labels[0], Name: b.Labels[1]},
		Range: b.DefRange, TypeRange: b.LabelRanges[0],
	}
	if b.Type == "data" {
		r.Addr.Mode = addr.Data
	}
	if !d.name("type", r.Addr.Type, b.LabelRanges[0]) || !d.name(b.Type, r.Addr.Name, b.LabelRanges[1]) {
		return nil
	}
	if slices.Contains(ReservedTypes(), r.Addr.Type) {
		d.errorf(b.LabelRanges[0].Ptr(), "Reserved name", "No type is named %q: references that start with it mean something else.", r.Addr.Type)
		return nil
	}
	if !d.declare(b.Type, r.Addr.Type+"."+r.Addr.Name, b.DefRange) {
		return nil
	}
	content, remain, diags := b.Body.PartialContent(metaSchema)
	d.diags = append(d.diags, diags...)
	r.Body = remain
	d.metaArguments(r, content.Attributes)
	for _, inner := range d.once(content.Blocks) {
		switch inner.Type {
		case "lifecycle":
			d.lifecycle(r, inner)
		case "timeouts":
			d.timeouts(r, inner)
		}
	}
	return r
}

func (d *decoder) metaArguments(r *Resource, attrs hcl.Attributes) {
	if attr := attrs["count"]; attr != nil {
		r.Count = attr.Expr
	}
	if attr := attrs["for_each"]; attr != nil {
		r.ForEach = attr.Expr
		if r.Count != nil {
			d.errorf(attr.NameRange.Ptr(), "Conflicting arguments", "A block has either \"count\" or \"for_each\". Remove one of them.")
			r.ForEach = nil
		}
	}
	r.DependsOn = d.references(attrs["depends_on"])
	if attr := attrs["cloud"]; attr != nil {
		r.Cloud, r.CloudRange = d.cloudAlias(attr), attr.Expr.Range()
	}
	if attr := attrs["retain_on_destroy"]; attr != nil {
		r.RetainOnDestroy = d.flag(attr, false)
		if r.Addr.Mode == addr.Data {
			d.notForData(attr.NameRange, attr.Name)
		}
	}
}

func (d *decoder) cloudAlias(attr *hcl.Attribute) string {
	t, diags := hcl.AbsTraversalForExpr(attr.Expr)
	if !diags.HasErrors() && len(t) == 2 && t.RootName() == "cloud" {
		if alias, ok := t[1].(hcl.TraverseAttr); ok {
			return alias.Name
		}
	}
	d.errorf(attr.Expr.Range().Ptr(), "Invalid reference", "\"cloud\" takes the alias of a cloud block, written cloud.ALIAS.")
	return ""
}

func (d *decoder) lifecycle(r *Resource, b *hcl.Block) {
	content := d.content(b.Body, lifecycleSchema)
	attrs := content.Attributes
	r.Lifecycle = Lifecycle{
		PreventDestroy:      d.flag(attrs["prevent_destroy"], false),
		CreateBeforeDestroy: d.flag(attrs["create_before_destroy"], false),
		Preconditions:       d.conditions(content.Blocks, "precondition"),
		Postconditions:      d.conditions(content.Blocks, "postcondition"),
		Range:               b.DefRange,
	}
	if attr := attrs["ignore_changes"]; attr != nil {
		d.ignoreChanges(r, attr)
	}
	if attr := attrs["replace_triggered_by"]; attr != nil {
		r.Lifecycle.ReplaceTriggeredBy = d.list(attr, "Invalid reference", "a list of references, such as [image.web.id]")
	}
	if r.Addr.Mode == addr.Data {
		for _, attr := range sortedAttributes(attrs) {
			d.notForData(attr.NameRange, attr.Name)
		}
	}
}

func (d *decoder) ignoreChanges(r *Resource, attr *hcl.Attribute) {
	if hcl.ExprAsKeyword(attr.Expr) == "all" {
		r.Lifecycle.IgnoreAll = true
		return
	}
	const form = "a list of the resource's own attributes, such as [description], or all"
	for _, e := range d.list(attr, "Invalid attribute", form) {
		t, diags := hcl.RelTraversalForExpr(e)
		if diags.HasErrors() {
			d.errorf(e.Range().Ptr(), "Invalid attribute", "%q takes %s.", attr.Name, form)
			continue
		}
		r.Lifecycle.IgnoreChanges = append(r.Lifecycle.IgnoreChanges, t)
	}
}

func (d *decoder) timeouts(r *Resource, b *hcl.Block) {
	content := d.content(b.Body, timeoutsSchema)
	r.Timeouts = map[string]time.Duration{}
	for _, attr := range sortedAttributes(content.Attributes) {
		text := d.text(attr)
		if text == "" {
			continue
		}
		timeout, err := time.ParseDuration(text)
		if err != nil || timeout <= 0 {
			d.errorf(attr.Expr.Range().Ptr(), "Invalid duration", "%q is no duration. Write a number and a unit, such as \"90s\", \"10m\" or \"1h30m\".", text)
			continue
		}
		r.Timeouts[attr.Name] = timeout
	}
}

// once keeps the first block of each type and refuses the others.
func (d *decoder) once(blocks hcl.Blocks) hcl.Blocks {
	first := map[string]hcl.Range{}
	return slices.DeleteFunc(slices.Clone(blocks), func(b *hcl.Block) bool {
		at, again := first[b.Type]
		if again {
			d.errorf(b.DefRange.Ptr(), "Duplicate block", "There is already a %s block at %s, line %d. Put everything into that one.", b.Type, at.Filename, at.Start.Line)
		} else {
			first[b.Type] = b.DefRange
		}
		return again
	})
}

func (d *decoder) notForData(at hcl.Range, name string) {
	d.diags = append(d.diags, diag.Errorf(at.Ptr(), "Unsupported argument",
		"%q is for resources. A data block looks something up and never changes it.", name))
}

// sortedAttributes returns attributes in the order of the text.
func sortedAttributes(attrs hcl.Attributes) []*hcl.Attribute {
	out := make([]*hcl.Attribute, 0, len(attrs))
	for _, a := range attrs {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *hcl.Attribute) int {
		return cmp.Or(cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte), cmp.Compare(a.Name, b.Name))
	})
	return out
}
