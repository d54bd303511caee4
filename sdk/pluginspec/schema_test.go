package pluginspec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// body parses HCL; variables have no value yet.
func body(t *testing.T, src string) hcl.Body {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(src), "s.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return f.Body
}

func evalContext() *hcl.EvalContext {
	return &hcl.EvalContext{Variables: map[string]cty.Value{
		"later":  cty.UnknownVal(cty.String),
		"secret": cty.StringVal("s3cret").Mark("sensitive"),
	}}
}

const everything = `
plugin: p
version: 1.0.0
types:
  thing:
    attributes:
      name:  {type: string, required: true}
      size:  {type: number}
      state: {type: string, computed: true}
      loose: {type: any}
      opts:  {type: "object({a=string, b=optional(number)})"}
    blocks:
      one:   {required: true, attributes: {x: {type: string}}}
      many:  {nesting: list, max: 2, attributes: {x: {type: number, required: true}}}
      mixed: {nesting: list, attributes: {x: {type: any}}}
      pool:  {nesting: set, attributes: {x: {type: string}, y: {type: string, computed: true}}}
      named: {nesting: map, attributes: {x: {type: string}}, blocks: {deep: {attributes: {z: {type: bool}}}}}
      anys:  {nesting: map, attributes: {x: {type: any}}}
    create: {handler: true}
    read: {handler: true}
    delete: {handler: true}
    find: {call: listThings, by: [size]}
`

func parseThing(t *testing.T, src string) *Type {
	t.Helper()
	p, diags := Parse("p.yaml", []byte(src))
	if diags.HasErrors() {
		t.Fatal(spell(diags))
	}
	return p.Types["thing"]
}

func TestDecodedValuesAreOfTheImpliedType(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, everything)
	tests := map[string]string{
		"least": `name = "n"
			one {}`,
		"all": `name = "n"
			size = "3"
			loose = [1, "x"]
			opts = { a = "y" }
			one { x = later }
			many { x = 1 }
			many { x = 2 }
			mixed { x = 1 }
			mixed { x = "two" }
			pool { x = "a" }
			named "k" {
				x = "v"
				deep { z = true }
			}
			anys "a" { x = 1 }
			anys "b" { x = [true] }`,
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, diags := hcldec.Decode(body(t, src), thing.DecoderSpec(), evalContext())
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if errs := v.Type().TestConformance(thing.ImpliedType()); len(errs) > 0 {
				t.Errorf("%v\nvalue %#v", errs, v)
			}
		})
	}
	if got, want := hcldec.ImpliedType(thing.DecoderSpec()).WithoutOptionalAttributesDeep(), thing.ImpliedType(); !got.Equals(want) {
		t.Errorf("the decoder implies\n%#v\nwant\n%#v", got, want)
	}
	if got, want := hcldec.ImpliedType(thing.DataDecoderSpec()).WithoutOptionalAttributesDeep(), thing.DataImpliedType(); !got.Equals(want) {
		// A dynamic block has no type of its own in a data block.
		for name, typ := range got.AttributeTypes() {
			if w := want.AttributeType(name); !typ.Equals(w) && w != cty.DynamicPseudoType {
				t.Errorf("data: %s implies %#v, want %#v", name, typ, w)
			}
		}
	}
}

func TestDecoderRefuses(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, everything)
	tests := map[string]struct {
		spec     hcldec.Spec
		src      string
		want     string
		wantLine int
	}{
		"missing":                  {thing.DecoderSpec(), "one {}", "Missing required argument", 1},
		"null":                     {thing.DecoderSpec(), "one {}\nname = null", "may not be null", 2},
		"read-only":                {thing.DecoderSpec(), "one {}\nname = \"n\"\nstate = \"x\"", `"state" is filled in by the cloud`, 3},
		"read-only, not known yet": {thing.DecoderSpec(), "one {}\nname = \"n\"\nid = later", `"id" is filled in by the cloud`, 3},
		"read-only in a block":     {thing.DecoderSpec(), "one {}\nname = \"n\"\npool {\n  y = \"x\"\n}", `"y" is filled in by the cloud`, 4},
		"missing block":            {thing.DecoderSpec(), "name = \"n\"", "Missing one block", 1},
		"too many":                 {thing.DecoderSpec(), "name = \"n\"\none {}\nmany { x = 1 }\nmany { x = 1 }\nmany { x = 1 }", "Too many many blocks", 5},
		"unknown":                  {thing.DecoderSpec(), "nam = \"n\"\none {}\nname = \"x\"", "An argument named \"nam\" is not expected here", 1},
		"wrong type":               {thing.DecoderSpec(), "name = [1]\none {}", "string required", 1},
		"data, no input":           {thing.DataDecoderSpec(), "size = 3\nloose = 1", `"loose" is filled in by the cloud`, 2},
		"data, block":              {thing.DataDecoderSpec(), "one {}", "Blocks of type \"one\" are not expected here", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, diags := hcldec.Decode(body(t, tt.src), tt.spec, evalContext())
			for _, d := range diags {
				if strings.Contains(d.Summary+": "+d.Detail, tt.want) && d.Subject != nil && d.Subject.Start.Line == tt.wantLine {
					return
				}
			}
			t.Errorf("want %q at line %d, got %v", tt.want, tt.wantLine, diags)
		})
	}
}

func TestDataInputs(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"id", "name", "size"}, parseThing(t, everything).DataInputs()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, everything)
	tests := map[string]string{ // path → name of the attribute, "" = none
		"name": "name", "one.x": "x", "many[0].x": "x", `named["a.b"].deep.z`: "z", "opts.a": "opts", "one": "", "one.q": "", "q.x": "",
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got := ""
			if a := thing.Attr(path); a != nil {
				got = a.Name
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			parsed, err := ParsePath(path)
			if err != nil {
				t.Fatal(err)
			}
			if again := FormatPath(parsed); again != path {
				t.Errorf("path %q was written %q", path, again)
			}
			if a := thing.AttrAt(parsed); (a != nil) != (want != "") {
				t.Errorf("at the parsed path: %v", a)
			}
		})
	}
	for _, wrong := range []string{"a[", "a[x]", "a[-1]", `a["x]`, "a.", ".a", "a..b"} {
		if p, err := ParsePath(wrong); err == nil {
			t.Errorf("path %q was read as %#v", wrong, p)
		}
	}
}

func TestSensitive(t *testing.T) {
	t.Parallel()
	thing := parseThing(t, `
plugin: p
version: 1.0.0
types:
  thing:
    attributes: {password: {type: string, sensitive: true}, plain: {type: string}}
    blocks: {user: {nesting: list, attributes: {key: {type: string, sensitive: true}}}}
    find: {call: listThings}
`)
	v, diags := hcldec.Decode(body(t, `password = "x"
plain = secret
user {}
user { key = secret }`), thing.DecoderSpec(), evalContext())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, path := range thing.Sensitive(v) {
		got = append(got, FormatPath(path))
	}
	if diff := cmp.Diff([]string{"password", "user[1].key"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
