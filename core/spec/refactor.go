package spec

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/spec/addr"
)

// Moved is a moved block: what is known under one address is meant by another
// from now on.
type Moved struct {
	From, To           addr.Target
	FromRange, ToRange hcl.Range
	Range              hcl.Range
}

// Removed is a removed block: it says what becomes of objects whose block has
// left the stack.
type Removed struct {
	From    addr.Target
	Destroy bool // false: the object stays in the cloud and leaves the state
	Said    bool // whether destroy was written
	Range   hcl.Range
}

// Import is an import block: an object of the cloud that becomes one of the
// stack's. It has an ID or a Name, never both.
type Import struct {
	To      addr.Instance
	ID      hcl.Expression // nil if a name is given
	Name    hcl.Expression // nil if an id is given
	ToRange hcl.Range
	Range   hcl.Range
}

var movedSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "from", Required: true}, {Name: "to", Required: true},
}}

var removedSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "from", Required: true}, {Name: "destroy"}}}

var importSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "to", Required: true}, {Name: "id"}, {Name: "name"},
}}

const targetForm = "the address of a block, an instance or a module, such as network.web, network.web[0] or module.base"

func (d *decoder) moved(b *hcl.Block) {
	attrs := d.content(b.Body, movedSchema).Attributes
	from, ok := d.target(attrs["from"])
	to, alsoOK := d.target(attrs["to"])
	if !ok || !alsoOK {
		return
	}
	m := &Moved{From: from, To: to, FromRange: attrs["from"].Expr.Range(), ToRange: attrs["to"].Expr.Range(), Range: b.DefRange}
	switch {
	case from == to:
		d.errorf(b.DefRange.Ptr(), "Invalid move", "%s is moved to itself. Remove the block.", from)
	case from.IsModule() != to.IsModule():
		d.errorf(m.ToRange.Ptr(), "Invalid move", "A module moves to a module and a block to a block; %s and %s are not alike.", from, to)
	default: // whether one type may become another, the plugins say
		d.stack.Moved = append(d.stack.Moved, m)
	}
}

func (d *decoder) removed(b *hcl.Block) {
	attrs := d.content(b.Body, removedSchema).Attributes
	from, ok := d.target(attrs["from"])
	if !ok {
		return
	}
	d.stack.Removed = append(d.stack.Removed, &Removed{
		From: from, Destroy: d.flag(attrs["destroy"], true), Said: attrs["destroy"] != nil, Range: b.DefRange,
	})
}

func (d *decoder) imported(b *hcl.Block) {
	attrs := d.content(b.Body, importSchema).Attributes
	to, ok := d.target(attrs["to"])
	if !ok {
		return
	}
	i := &Import{To: to.Instance, ToRange: attrs["to"].Expr.Range(), Range: b.DefRange}
	if to.IsModule() {
		d.errorf(i.ToRange.Ptr(), "Invalid import", "An object is imported to one block or instance, and %s is a module.", to)
		return
	}
	if attr := attrs["id"]; attr != nil {
		i.ID = attr.Expr
	}
	if attr := attrs["name"]; attr != nil {
		i.Name = attr.Expr
	}
	if (i.ID == nil) == (i.Name == nil) {
		d.errorf(b.DefRange.Ptr(), "Invalid import", "An import says which object is meant by either \"id\" or \"name\". Write one of them.")
		return
	}
	for _, other := range d.stack.Imports {
		if other.To == i.To {
			d.errorf(i.ToRange.Ptr(), "Ambiguous import", "An object is imported to %s already at %s, line %d. Remove one of the blocks.", i.To, other.Range.Filename, other.Range.Start.Line)
			return
		}
	}
	d.stack.Imports = append(d.stack.Imports, i)
}

// target decodes the address of something that is created: no data block.
func (d *decoder) target(attr *hcl.Attribute) (addr.Target, bool) {
	if attr == nil {
		return addr.Target{}, false // reported as missing
	}
	t, diags := hcl.AbsTraversalForExpr(attr.Expr)
	if diags.HasErrors() {
		d.errorf(attr.Expr.Range().Ptr(), "Invalid address", "%q takes %s.", attr.Name, targetForm)
		return addr.Target{}, false
	}
	target, diags := addr.TargetFromTraversal(t)
	if diags.HasErrors() {
		d.errorf(attr.Expr.Range().Ptr(), "Invalid address", "%q takes %s. %s", attr.Name, targetForm, diags[0].Detail)
		return addr.Target{}, false
	}
	if !target.IsModule() && target.Instance.Resource.Mode == addr.Data {
		d.errorf(attr.Expr.Range().Ptr(), "Invalid address", "A data block looks something up and owns nothing, so %q cannot name %s.", attr.Name, target)
		return addr.Target{}, false
	}
	return target, true
}
