package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec/nesting"
)

// VarPrefix starts the names of environment variables that give a stack's
// variables their values.
const VarPrefix = "MOLD_VAR_"

// VarSources is where values of variables come from besides the stack's own
// default.vars.hcl or default.vars.yaml, which is read first. Later ones win:
// files in their order, then the environment, then Sets.
type VarSources struct {
	Files   []string // *.vars.hcl or *.vars.yaml
	Environ []string // "KEY=value", as os.Environ returns
	Sets    []string // "name=value", as --var gives
}

// Input is a value given for a variable, not yet converted to its type.
type Input struct {
	Value cty.Value
	From  string     // for messages: a file, "MOLD_VAR_x" or "--var x"
	Range *hcl.Range // where in a file, else nil
}

// Inputs are the values given for the variables of a stack.
type Inputs struct {
	Values map[string]Input
	Files  map[string]*hcl.File // sources read, to show diagnostics
}

// LoadVars gathers the values given for the variables of a stack. A value for
// a variable that the stack does not have is an error, except in the
// environment, which stacks share: there it is a warning.
func LoadVars(stack *Stack, from VarSources) (Inputs, hcl.Diagnostics) {
	in := Inputs{Values: map[string]Input{}, Files: map[string]*hcl.File{}}
	var diags hcl.Diagnostics
	files := from.Files
	for _, name := range []string{"default.vars.yaml", "default.vars.yml", "default.vars.hcl"} {
		path := filepath.Join(stack.Dir, name)
		if _, err := os.Stat(path); err == nil && stack.Dir != "" {
			files = append([]string{path}, files...)
		}
	}
	for _, name := range files {
		diags = append(diags, in.file(stack, name)...)
	}
	diags = append(diags, in.environ(stack, from.Environ)...)
	for _, set := range from.Sets {
		diags = append(diags, in.set(stack, set)...)
	}
	return in, diags
}

func (in Inputs) file(stack *Stack, name string) hcl.Diagnostics {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return hcl.Diagnostics{diag.Errorf(nil, "No such file of values", "There is no file %s. Name a file with values of variables (*.vars.hcl, *.vars.yaml).", name)}
	}
	file, diags := parseFile(name)
	if file == nil {
		return diags
	}
	in.Files[name] = file
	if diags.HasErrors() {
		return diags
	}
	attrs, more := file.Body.JustAttributes()
	for _, d := range more {
		d.Detail = "A file of values has no blocks: it gives variables their values, as in name = \"web\"."
	}
	diags = append(diags, more...)
	for _, attr := range sortedAttributes(attrs) {
		if stack.Variables[attr.Name] == nil {
			diags = append(diags, unknownVariable(stack, attr.Name, attr.NameRange.Ptr()))
			continue
		}
		if vars := attr.Expr.Variables(); len(vars) > 0 {
			diags = append(diags, diag.Errorf(vars[0].SourceRange().Ptr(), "Constant required",
				"A file of values cannot refer to %q. Write the value itself.", diag.Traversal(vars[0])))
			continue
		}
		v, more := attr.Expr.Value(nil)
		diags = append(diags, more...)
		if !more.HasErrors() {
			in.Values[attr.Name] = Input{Value: v, From: name, Range: attr.Expr.Range().Ptr()}
		}
	}
	return diags
}

func (in Inputs) environ(stack *Stack, environ []string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		key, text, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(key, VarPrefix)
		if !ok {
			continue
		}
		v := stack.Variables[name]
		if v == nil {
			d := unknownVariable(stack, name, nil)
			d.Severity = hcl.DiagWarning
			d.Detail = fmt.Sprintf("The environment variable %s is ignored. %s", key, d.Detail)
			diags = append(diags, d)
			continue
		}
		diags = append(diags, in.text(v, key, text)...)
	}
	return diags
}

func (in Inputs) set(stack *Stack, set string) hcl.Diagnostics {
	name, text, ok := strings.Cut(set, "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" {
		return hcl.Diagnostics{diag.Error(nil, "Invalid --var", "--var takes NAME=VALUE, as in --var offering=small.")}
	}
	v := stack.Variables[name]
	if v == nil {
		return hcl.Diagnostics{unknownVariable(stack, name, nil)}
	}
	return in.text(v, "--var "+name, text)
}

// text takes a value given as text: as it is for a variable of a primitive or
// any type, else as an expression.
func (in Inputs) text(v *Variable, from, text string) hcl.Diagnostics {
	if v.Type.IsPrimitiveType() || v.Type == cty.DynamicPseudoType {
		in.Values[v.Name] = Input{Value: cty.StringVal(text), From: from}
		return nil
	}
	invalid := func(why string) hcl.Diagnostics {
		in.Values[v.Name] = Input{Value: cty.UnknownVal(v.Type), From: from} // given, though wrong
		return hcl.Diagnostics{diag.Errorf(nil, "Invalid value for variable",
			"The value given by %s is no expression for a %s: %s Write it as in a stack file, for example [\"a\", \"b\"] or {a = 1}.",
			from, v.Type.FriendlyNameForConstraint(), why)}
	}
	if d := nesting.Expression([]byte(text), from); d != nil {
		return invalid(d.Detail)
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), from, hcl.InitialPos)
	if diags.HasErrors() {
		return invalid(diags[0].Detail)
	}
	if len(expr.Variables()) > 0 {
		return invalid("It refers to something, and only constants are possible here.")
	}
	val, diags := expr.Value(nil)
	if diags.HasErrors() {
		return invalid(diags[0].Detail)
	}
	in.Values[v.Name] = Input{Value: val, From: from}
	return nil
}

func unknownVariable(stack *Stack, name string, at *hcl.Range) *hcl.Diagnostic {
	return diag.Errorf(at, "Unknown variable", "This stack has no variable %q.%s",
		name, diag.DidYouMean(name, slices.Collect(maps.Keys(stack.Variables))))
}
