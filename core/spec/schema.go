package spec

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// rootSchema lists the blocks of a stack file. A cloud block's label and a
// plugin block's second are optional, which a schema cannot say: see
// plainCloudSchema and plainPluginSchema.
var rootSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "stack", LabelNames: []string{"name"}},
	{Type: "cloud", LabelNames: []string{"alias"}},
	{Type: "plugin", LabelNames: []string{"name", "alias"}},
	{Type: "variable", LabelNames: []string{"name"}},
	{Type: "locals"},
	{Type: "resource", LabelNames: []string{"type", "name"}},
	{Type: "data", LabelNames: []string{"type", "name"}},
	{Type: "pipeline", LabelNames: []string{"name"}},
	{Type: "module", LabelNames: []string{"name"}},
	{Type: "output", LabelNames: []string{"name"}},
	{Type: "check", LabelNames: []string{"name"}},
	{Type: "moved"},
	{Type: "import"},
	{Type: "removed"},
}}

// plainCloudSchema finds the cloud blocks without a label.
var plainCloudSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "cloud"}}}

// withoutMissingAlias drops the complaint that a cloud block has no label.
func withoutMissingAlias(diags hcl.Diagnostics) hcl.Diagnostics {
	return slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool { return d.Summary == "Missing alias for cloud" })
}

var stackSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "version"}, {Name: "requires"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "state"}, {Type: "encryption"}},
}

var variableSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}, {Name: "nullable"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "validation"}},
}

var conditionSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "condition", Required: true}, {Name: "error_message", Required: true},
}}

var outputSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "value", Required: true}, {Name: "description"}, {Name: "sensitive"}, {Name: "depends_on"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "precondition"}},
}

var pipelineSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "step", LabelNames: []string{"kind", "name"}},
}}

// metaSchema lists the meta-arguments of resource and data blocks.
var metaSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "count"}, {Name: "for_each"}, {Name: "depends_on"}, {Name: "cloud"}, {Name: "retain_on_destroy"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "lifecycle"}, {Type: "timeouts"}},
}

var lifecycleSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "prevent_destroy"}, {Name: "create_before_destroy"}, {Name: "ignore_changes"}, {Name: "replace_triggered_by"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "precondition"}, {Type: "postcondition"}},
}

var timeoutsSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "create"}, {Name: "update"}, {Name: "delete"}, {Name: "read"},
}}

// ReservedTypes returns the names that no resource type may have, because
// references start with them.
func ReservedTypes() []string {
	return []string{
		"var", "local", "data", "module", "pipeline", "stack", "cloud", "each", "count", "self", "path", "run", "output", "check",
	}
}

// MetaArguments returns the names that mean the same in every resource and data
// block, so that no type may have attributes or blocks of these names.
func MetaArguments() []string {
	var names []string
	for _, a := range metaSchema.Attributes {
		names = append(names, a.Name)
	}
	for _, b := range metaSchema.Blocks {
		names = append(names, b.Type)
	}
	return names
}

// reservedVariables are kept free because a module block takes its inputs
// beside its own arguments.
func reservedVariables() []string {
	return append(MetaArguments(), "source", "version", "locals", "allow")
}
