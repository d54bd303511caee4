package eval_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
)

const variableText = `
variable "size" {
  type     = number
  default  = 1
  nullable = false
  validation {
    condition     = var.size < 100
    error_message = "The size ${var.size} is too much."
  }
}
variable "name" {
  type        = string
  description = "What it is called."
}
variable "zones" {
  type    = list(string)
  default = []
}
variable "rules" {
  type    = map(object({ port = number, cidr = optional(string, "0.0.0.0/0") }))
  default = {}
}
variable "token" {
  type      = string
  default   = null
  sensitive = true
  validation {
    condition     = var.token == null ? true : length(var.token) > 3
    error_message = "The token ${var.token} is short."
  }
}
variable "anything" {
  default = 7
}
`

func TestVariables(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files   map[string]string // default.vars.* are found, others given
		given   []string
		environ []string
		sets    []string
		want    map[string]cty.Value // the variables that matter
		err     string
	}{
		"defaults": {sets: []string{"name=x"}, want: map[string]cty.Value{
			"name": cty.StringVal("x"), "size": cty.NumberIntVal(1), "zones": cty.ListValEmpty(cty.String),
			"anything": cty.NumberIntVal(7), "token": cty.NullVal(cty.String).Mark(eval.Sensitive),
		}},
		"default file": {files: map[string]string{"default.vars.hcl": "name = \"f\"\nsize = 3\n"}, want: map[string]cty.Value{
			"name": cty.StringVal("f"), "size": cty.NumberIntVal(3),
		}},
		"default file in YAML": {files: map[string]string{"default.vars.yaml": "name: f\nzones: [a, b]\n"}, want: map[string]cty.Value{
			"name": cty.StringVal("f"), "zones": cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b")}),
		}},
		"later wins": {
			files: map[string]string{"default.vars.hcl": "name = \"f\"\nsize = 2\nanything = 1\n", "x.vars.hcl": "size = 3\nzones = [\"z\"]\nanything = 2\n"},
			given: []string{"x.vars.hcl"}, environ: []string{"MOLD_VAR_zones=[\"e\"]", "MOLD_VAR_anything=env", "PATH=/bin"}, sets: []string{"anything=set"},
			want: map[string]cty.Value{
				"name": cty.StringVal("f"), "size": cty.NumberIntVal(3), "zones": cty.ListVal([]cty.Value{cty.StringVal("e")}), "anything": cty.StringVal("set"),
			},
		},
		"text with =":    {sets: []string{"name=a=b"}, want: map[string]cty.Value{"name": cty.StringVal("a=b")}},
		"number as text": {sets: []string{"name=x", "size=5"}, want: map[string]cty.Value{"size": cty.NumberIntVal(5)}},
		"defaults of attributes": {sets: []string{"name=x", "rules={a = {port = 80}}"}, want: map[string]cty.Value{
			"rules": cty.MapVal(map[string]cty.Value{"a": cty.ObjectVal(map[string]cty.Value{"port": cty.NumberIntVal(80), "cidr": cty.StringVal("0.0.0.0/0")})}),
		}},
		"null means default": {files: map[string]string{"default.vars.hcl": "name = \"x\"\nsize = null\n"}, want: map[string]cty.Value{"size": cty.NumberIntVal(1)}},
		"sensitive":          {sets: []string{"name=x", "token=abcdef"}, want: map[string]cty.Value{"token": cty.StringVal("abcdef").Mark(eval.Sensitive)}},
		"missing":            {err: `The variable "name" has no default, so it needs a value. Give it with --var name=VALUE`},
		"unknown in file":    {files: map[string]string{"default.vars.hcl": "name = \"x\"\nsiez = 1\n"}, err: `This stack has no variable "siez". Did you mean "size"?`},
		"unknown set":        {sets: []string{"name=x", "nam=y"}, err: `This stack has no variable "nam". Did you mean "name"?`},
		"malformed set":      {sets: []string{"name"}, err: "--var takes NAME=VALUE"},
		"wrong type":         {sets: []string{"name=x", "size=many"}, err: `given for the variable "size" by --var size does not fit: a number is required`},
		"wrong type in file": {files: map[string]string{"default.vars.hcl": "name = [1]\n"}, err: "default.vars.hcl line 1, column 8"},
		"no expression":      {sets: []string{"name=x", "zones=a,b"}, err: "no expression for a list of string"},
		"reference":          {sets: []string{"name=x", "zones=[var.a]"}, err: "only constants are possible"},
		"reference in file":  {files: map[string]string{"default.vars.hcl": "name = var.a\n"}, err: "cannot refer to \"var.a\""},
		"validation":         {sets: []string{"name=x", "size=100"}, err: "The size 100 is too much."},
		"secret validation":  {sets: []string{"name=x", "token=abc"}, err: "refers to a sensitive value"},
		"file missing":       {given: []string{"none.vars.hcl"}, sets: []string{"name=x"}, err: "none.vars.hcl"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := map[string]string{"s.hcl": variableText}
			for n, text := range tt.files {
				files[n] = text
			}
			for n, text := range files {
				if err := os.WriteFile(filepath.Join(dir, n), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			stack, diags := spec.Load(dir, spec.Options{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			from := spec.VarSources{Environ: tt.environ, Sets: tt.sets}
			for _, g := range tt.given {
				from.Files = append(from.Files, filepath.Join(dir, g))
			}
			inputs, diags := spec.LoadVars(stack, from)
			got, more := eval.Variables(stack, inputs.Values, eval.Functions(dir, nil))
			diags = append(diags, more...)
			var b strings.Builder
			if err := (diag.Printer{Files: inputs.Files}).Print(&b, diags); err != nil {
				t.Fatal(err)
			}
			if tt.err != "" {
				if !diags.HasErrors() || !strings.Contains(b.String(), tt.err) || strings.Contains(b.String(), "token abc") {
					t.Errorf("the diagnostics do not say %q, or say a secret:\n%s", tt.err, b.String())
				}
				return
			}
			if diags.HasErrors() {
				t.Fatal(b.String())
			}
			for n, want := range tt.want {
				if !got[n].RawEquals(want) {
					t.Errorf("%s is %#v, want %#v", n, got[n], want)
				}
			}
		})
	}
}

func TestMissingVariablesAreListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "variable \"a\" {\n}\nvariable \"b\" {\n description = \"The b.\"\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "s.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stack, diags := spec.Load(dir, spec.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	values, diags := eval.Variables(stack, nil, nil)
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, "  a\n  b: The b.\n") {
		t.Errorf("got %v", diags)
	}
	if v := values["a"]; v.IsKnown() {
		t.Errorf("a is %#v, want an unknown value", v)
	}
}

func TestUnknownEnvironmentWarns(t *testing.T) {
	t.Parallel()
	stack := &spec.Stack{Variables: map[string]*spec.Variable{"size": {Name: "size", Type: cty.Number}}}
	_, diags := spec.LoadVars(stack, spec.VarSources{Environ: []string{"MOLD_VAR_siez=1"}})
	if diags.HasErrors() || len(diags) != 1 || !strings.Contains(diags[0].Detail, "MOLD_VAR_siez is ignored") {
		t.Errorf("got %v", diags)
	}
}
