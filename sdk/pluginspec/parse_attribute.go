package pluginspec

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"
)

// Formats are the values of `format:`.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// maxNesting bounds blocks in blocks: a deeper file is an alias loop.
const maxNesting = 8

func (s *source) attributes(n *yaml.Node) []*Attribute {
	var out []*Attribute
	s.entries(n, "attributes", func(key, value *yaml.Node) { out = append(out, s.attribute(key, value)) })
	return out
}

func (s *source) attribute(key, n *yaml.Node) *Attribute {
	a := &Attribute{Name: key.Value, Type: cty.NilType, Range: s.rangeOf(key)}
	s.named(key, "attribute", simpleName)
	if slices.Contains(reservedAttributes, a.Name) {
		s.fail(key, "Reserved name", "%q is an argument of every block in a stack; choose another name for the attribute.", a.Name)
	}
	read := attributeInFile{Attribute: a}
	if !readInto(s, n, "an attribute", attributeKeys, &read) {
		a.Type = cty.DynamicPseudoType
		return a
	}
	s.need(n, "type", a.Type != cty.NilType, `"type" is missing, for example "type: string".`)
	if a.Type == cty.NilType {
		a.Type = cty.DynamicPseudoType
		return a
	}
	if read.def != nil {
		a.Default = s.defaultValue(read.def, a.Type)
	}
	s.presence(key, a)
	s.fitting(key, a)
	return a
}

// attributeInFile is an attribute while it is read: its default is understood
// when its type is known.
type attributeInFile struct {
	*Attribute
	def *yaml.Node
}

// attributeKeys are the keys of an attribute. The table is never changed.
var attributeKeys = map[string]func(s *source, a *attributeInFile, v *yaml.Node){
	"type":       func(s *source, a *attributeInFile, v *yaml.Node) { a.Type = s.typeExpr(v) },
	"default":    func(_ *source, a *attributeInFile, v *yaml.Node) { a.def = v },
	"required":   func(s *source, a *attributeInFile, v *yaml.Node) { a.Required = s.boolean(v) },
	"optional":   func(s *source, a *attributeInFile, v *yaml.Node) { a.Optional = s.boolean(v) },
	"computed":   func(s *source, a *attributeInFile, v *yaml.Node) { a.Computed = s.boolean(v) },
	"sensitive":  func(s *source, a *attributeInFile, v *yaml.Node) { a.Sensitive = s.boolean(v) },
	"write_only": func(s *source, a *attributeInFile, v *yaml.Node) { a.WriteOnly = s.boolean(v) },
	"volatile":   func(s *source, a *attributeInFile, v *yaml.Node) { a.Volatile = s.boolean(v) },
	"local_file": func(s *source, a *attributeInFile, v *yaml.Node) { a.LocalFile = s.boolean(v) },
	"lookup":     func(s *source, a *attributeInFile, v *yaml.Node) { a.Lookup, _ = s.str(v) },
	"param":      func(s *source, a *attributeInFile, v *yaml.Node) { a.Param, _ = s.str(v) },
	"field": func(s *source, a *attributeInFile, v *yaml.Node) {
		if a.Field, _ = s.str(v); strings.Contains(a.Field, "${") {
			s.template(v)
		}
	},
	"encode": func(s *source, a *attributeInFile, v *yaml.Node) { a.Encode, _ = s.str(v) },
	"role": func(s *source, a *attributeInFile, v *yaml.Node) {
		a.Role = s.choice(v, "user", "domain_admin", "admin")
	},
	"deprecated": func(s *source, a *attributeInFile, v *yaml.Node) { a.Deprecated, _ = s.str(v) },
	"since":      func(s *source, a *attributeInFile, v *yaml.Node) { a.Since, _ = s.str(v) },
	"doc":        func(s *source, a *attributeInFile, v *yaml.Node) { a.Doc, _ = s.str(v) },
	"affects":    func(s *source, a *attributeInFile, v *yaml.Node) { a.Affects = s.list(v) },
	"equal": func(s *source, a *attributeInFile, v *yaml.Node) {
		a.Equal = s.choice(v, "case", "cidr", "json", "set", "space")
	},
	"example": func(s *source, a *attributeInFile, v *yaml.Node) { a.ExampleText = s.raw(v) },
	"replace": func(s *source, a *attributeInFile, v *yaml.Node) {
		if strings.Contains(v.Value, "${") {
			a.ReplaceWhen = s.template(v)
			return
		}
		a.Replace = s.boolean(v)
	},
	"assign": func(s *source, a *attributeInFile, v *yaml.Node) { a.Assign = s.assign(v) },
	"values": func(s *source, a *attributeInFile, v *yaml.Node) { a.Values = s.list(v) },
	"pattern": func(s *source, a *attributeInFile, v *yaml.Node) {
		a.Pattern, _ = s.str(v)
		if _, err := regexp.Compile(a.Pattern); err != nil {
			s.fail(v, "Invalid pattern", "%s", sentence(err.Error()))
		}
	},
	"format":      func(s *source, a *attributeInFile, v *yaml.Node) { a.Format = s.choice(v, Formats()...) },
	"min":         func(s *source, a *attributeInFile, v *yaml.Node) { f := s.float(v); a.Min = &f },
	"max":         func(s *source, a *attributeInFile, v *yaml.Node) { f := s.float(v); a.Max = &f },
	"min_length":  func(s *source, a *attributeInFile, v *yaml.Node) { i := s.atLeast(v, 0); a.MinLength = &i },
	"max_length":  func(s *source, a *attributeInFile, v *yaml.Node) { i := s.atLeast(v, 1); a.MaxLength = &i },
	"conflicts":   func(s *source, a *attributeInFile, v *yaml.Node) { a.Conflicts = s.list(v) },
	"together":    func(s *source, a *attributeInFile, v *yaml.Node) { a.Together = s.list(v) },
	"exactly_one": func(s *source, a *attributeInFile, v *yaml.Node) { a.ExactlyOne = s.list(v) },
}

// raw is a value as it is written in the file.
func (s *source) raw(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	out, err := yaml.Marshal(n)
	if err != nil {
		s.fail(n, "Invalid example", "%s", sentence(err.Error()))
	}
	return strings.TrimSpace(string(out))
}

// typeExpr reads "string", "list(number)", "object({…})", "any", "pipeline".
func (s *source) typeExpr(n *yaml.Node) cty.Type {
	text, ok := s.str(n)
	if !ok {
		return cty.DynamicPseudoType
	}
	switch text { // nearly all are of these, and reading an expression takes its time
	case "string":
		return cty.String
	case "number":
		return cty.Number
	case "bool":
		return cty.Bool
	case "set(string)":
		return cty.Set(cty.String)
	case "map(string)":
		return cty.Map(cty.String)
	case "pipeline":
		return cty.DynamicPseudoType
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), s.filename, s.inner(n))
	if diags.HasErrors() {
		s.fail(n, "Invalid type", "%q is not a type: write string, number, bool, any, pipeline, list(…), set(…), map(…) or object({…}).", text)
		return cty.DynamicPseudoType
	}
	typ, diags := typeexpr.TypeConstraint(expr)
	if diags.HasErrors() {
		s.diags = append(s.diags, diags...)
		return cty.DynamicPseudoType
	}
	return typ
}

// presence settles whether a value must, may or cannot be given.
func (s *source) presence(key *yaml.Node, a *Attribute) {
	switch {
	case a.Required && (a.Optional || a.Computed):
		s.fail(key, "Contradictory attribute", "%q cannot be required and also optional or computed.", a.Name)
	case a.Required && a.Default != nil:
		s.fail(key, "Contradictory attribute", "%q is required, so its default would never be used.", a.Name)
	case a.Computed && a.Default != nil && !a.Optional:
		s.fail(key, "Contradictory attribute", "%q is computed: nobody can leave it out, so it has no default.", a.Name)
	case a.Computed && !a.Optional && (a.Replace || a.ReplaceWhen != "" || a.WriteOnly):
		s.fail(key, "Contradictory attribute", "%q is computed: it cannot be given, so replace and write_only mean nothing.", a.Name)
	}
	if !a.Required && !a.Computed {
		a.Optional = true
	}
}

// fitting refuses limits that make no sense for the type.
func (s *source) fitting(key *yaml.Node, a *Attribute) {
	misfit := func(what, wants string) {
		s.fail(key, "Limit does not fit", "%s of %q needs %s, not %s.", what, a.Name, wants, typeexpr.TypeString(a.Type))
	}
	scalar := elementType(a.Type)
	if (a.Min != nil || a.Max != nil) && scalar != cty.Number {
		misfit("min or max", "a number")
	}
	if (a.MinLength != nil || a.MaxLength != nil) && a.Type != cty.String && !a.Type.IsCollectionType() {
		misfit("min_length or max_length", "a string or a collection")
	}
	if (a.Pattern != "" || a.Format != "") && scalar != cty.String && (a.Format != "port" || scalar != cty.Number) {
		misfit("pattern or format", "a string")
	}
	if len(a.Values) > 0 && !scalar.IsPrimitiveType() {
		misfit("values", "a string or a number")
	}
	if a.Lookup != "" && scalar != cty.String {
		misfit("lookup", "a string or strings")
	}
	if a.Min != nil && a.Max != nil && *a.Min > *a.Max {
		s.fail(key, "Limit does not fit", "min of %q is above its max.", a.Name)
	}
}

// elementType is the type of the values an attribute is made of: its own, or
// that of its elements.
func elementType(t cty.Type) cty.Type {
	if t.IsCollectionType() {
		return t.ElementType()
	}
	return t
}

func (s *source) blocks(n *yaml.Node, depth int) []*Block {
	if depth > maxNesting {
		s.fail(n, "Blocks nested too deep", "Blocks nest at most %d deep.", maxNesting)
		return nil
	}
	var out []*Block
	s.entries(n, "blocks", func(key, value *yaml.Node) {
		b := &Block{Name: key.Value, Nesting: Single, Range: s.rangeOf(key)}
		s.named(key, "block", simpleName)
		if slices.Contains(reservedAttributes, b.Name) {
			s.fail(key, "Reserved name", "%q is an argument of every block in a stack; choose another name for the block.", b.Name)
		}
		s.mapping(value, "a block", fields{
			"nesting": func(_, v *yaml.Node) {
				b.Nesting = Nesting(s.choice(v, string(Single), string(List), string(Set), string(Map)))
			},
			"min":        func(_, v *yaml.Node) { b.Min = s.atLeast(v, 0) },
			"max":        func(_, v *yaml.Node) { b.Max = s.atLeast(v, 1) },
			"required":   func(_, v *yaml.Node) { b.Min = max(b.Min, map[bool]int{true: 1}[s.boolean(v)]) },
			"attributes": func(_, v *yaml.Node) { b.Attributes = s.attributes(v) },
			"blocks":     func(_, v *yaml.Node) { b.Blocks = s.blocks(v, depth+1) },
			"children":   func(_, v *yaml.Node) { b.Child = s.child(v) },
			"doc":        func(_, v *yaml.Node) { b.Doc, _ = s.str(v) },
		})
		if b.Nesting == Single && b.Max > 1 {
			s.fail(key, "Limit does not fit", "%q stands once (nesting: single), so max is no more than 1.", b.Name)
		}
		if b.Nesting == Set && dynamic(b.impliedObject()) {
			s.fail(key, "Set of any", "The items of a set need a fixed type; %q holds an attribute of type any. Use nesting: list.", b.Name)
		}
		out = append(out, b)
	})
	return out
}

// dynamic tells whether values of a type may differ in their exact types.
func dynamic(t cty.Type) bool { return t.HasDynamicTypes() }

// siblings checks that attributes name only siblings of theirs.
func (s *source) siblings(attrs []*Attribute, blocks []*Block) {
	names := namesOf(attrs, blocks)
	for _, a := range attrs {
		for what, list := range map[string][]string{"conflicts": a.Conflicts, "together": a.Together, "exactly_one": a.ExactlyOne} {
			for _, name := range list {
				if !slices.Contains(names, name) {
					s.unknownName(a.Range, what+" of \""+a.Name+"\"", name, names)
				}
			}
		}
	}
}

func namesOf(attrs []*Attribute, blocks []*Block) []string {
	names := make([]string, 0, len(attrs)+len(blocks))
	for _, a := range attrs {
		names = append(names, a.Name)
	}
	for _, b := range blocks {
		names = append(names, b.Name)
	}
	return names
}

func (s *source) unknownName(rng hcl.Range, where, name string, names []string) {
	s.failAt(rng, "Unknown attribute", "There is no attribute or block \""+name+"\" for "+where+" to name."+didYouMean(name, names))
}
