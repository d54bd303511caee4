package spec

import "github.com/hashicorp/hcl/v2"

var checkSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "data", LabelNames: []string{"type", "name"}}, {Type: "assert"},
}}

func (d *decoder) check(b *hcl.Block) {
	c := &Check{Name: b.Labels[0], Range: b.DefRange}
	if !d.name("check", c.Name, b.LabelRanges[0]) || !d.declare("check", c.Name, b.DefRange) {
		return
	}
	content := d.content(b.Body, checkSchema)
	for _, inner := range content.Blocks {
		if inner.Type != "data" {
			continue
		}
		if c.Data != nil {
			d.errorf(inner.DefRange.Ptr(), "Duplicate block", "The check %q has a data block already, at line %d. Use a check for each, or data blocks outside.", c.Name, c.Data.Range.Start.Line)
			continue
		}
		r := d.resourceBlock(inner)
		if r == nil {
			return
		}
		if r.Count != nil || r.ForEach != nil {
			d.errorf(inner.DefRange.Ptr(), "Unsupported argument", "The data block of a check has neither \"count\" nor \"for_each\".")
			return
		}
		c.Data = r
	}
	c.Asserts = d.conditions(content.Blocks, "assert")
	if len(c.Asserts) == 0 && len(content.Blocks.OfType("assert")) == 0 {
		d.errorf(b.DefRange.Ptr(), "Empty check", "The check %q asserts nothing. Add an assert block with condition and error_message.", c.Name)
		return
	}
	d.stack.Checks = append(d.stack.Checks, c)
}
