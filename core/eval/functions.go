package eval

import (
	"errors"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/moldctl/moldctl/core/spec"
)

// Functions returns the functions of the stack language. File names are taken
// relative to dir, the stack's folder. getenv answers env(); nil stands for a
// program without environment.
func Functions(dir string, getenv func(string) (string, bool)) map[string]function.Function {
	return functions(files{dir: dir}, envFunction(getenv))
}

// FunctionsOf returns the functions of a stack or module. In a module from
// elsewhere file functions see its folder only, and env() answers only if its
// caller allows it.
func FunctionsOf(stack *spec.Stack, getenv func(string) (string, bool)) map[string]function.Function {
	env := envFunction(getenv)
	if c := stack.Confined; c != nil && !c.Env {
		env = deniedEnv()
	}
	return functions(filesOf(stack), env)
}

func filesOf(stack *spec.Stack) files {
	return files{dir: stack.Dir, confined: stack.Confined != nil}
}

func functions(in files, env function.Function) map[string]function.Function {
	all := standardFunctions()
	maps.Copy(all, textFunctions())
	maps.Copy(all, collectionFunctions())
	maps.Copy(all, hashFunctions())
	maps.Copy(all, networkFunctions())
	maps.Copy(all, codingFunctions())
	maps.Copy(all, fileFunctions(in))
	all["env"] = env
	// A template may call everything but templatefile, so templates cannot
	// include each other without end.
	inTemplate := maps.Clone(all)
	all["templatefile"] = templateFileFunction(in, inTemplate)
	return all
}

// deniedEnv is env() where it is not allowed.
func deniedEnv() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String, AllowNull: true},
		Type:     function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			return cty.NilVal, errors.New("this module comes from elsewhere and may not read the environment; its module block may allow it: allow = [\"env\"]")
		},
	})
}

// FunctionNames returns the names of the functions, sorted.
func FunctionNames() []string { return slices.Sorted(maps.Keys(Functions("", nil))) }

func standardFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs":             stdlib.AbsoluteFunc,
		"can":             tryfunc.CanFunc,
		"ceil":            stdlib.CeilFunc,
		"chomp":           stdlib.ChompFunc,
		"chunklist":       stdlib.ChunklistFunc,
		"coalesce":        stdlib.CoalesceFunc,
		"coalescelist":    stdlib.CoalesceListFunc,
		"compact":         stdlib.CompactFunc,
		"concat":          stdlib.ConcatFunc,
		"contains":        stdlib.ContainsFunc,
		"csvdecode":       stdlib.CSVDecodeFunc,
		"distinct":        stdlib.DistinctFunc,
		"element":         stdlib.ElementFunc,
		"flatten":         stdlib.FlattenFunc,
		"floor":           stdlib.FloorFunc,
		"format":          stdlib.FormatFunc,
		"formatdate":      stdlib.FormatDateFunc,
		"formatlist":      stdlib.FormatListFunc,
		"indent":          stdlib.IndentFunc,
		"join":            stdlib.JoinFunc,
		"jsondecode":      stdlib.JSONDecodeFunc,
		"jsonencode":      stdlib.JSONEncodeFunc,
		"keys":            stdlib.KeysFunc,
		"log":             stdlib.LogFunc,
		"lookup":          stdlib.LookupFunc,
		"lower":           stdlib.LowerFunc,
		"max":             stdlib.MaxFunc,
		"merge":           stdlib.MergeFunc,
		"min":             stdlib.MinFunc,
		"parseint":        stdlib.ParseIntFunc,
		"pow":             stdlib.PowFunc,
		"range":           stdlib.RangeFunc,
		"regex":           stdlib.RegexFunc,
		"regexall":        stdlib.RegexAllFunc,
		"reverse":         stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc,
		"setproduct":      stdlib.SetProductFunc,
		"setsubtract":     stdlib.SetSubtractFunc,
		"setunion":        stdlib.SetUnionFunc,
		"signum":          stdlib.SignumFunc,
		"slice":           stdlib.SliceFunc,
		"sort":            stdlib.SortFunc,
		"split":           stdlib.SplitFunc,
		"strrev":          stdlib.ReverseFunc,
		"substr":          stdlib.SubstrFunc,
		"timeadd":         stdlib.TimeAddFunc,
		"title":           stdlib.TitleFunc,
		"tobool":          stdlib.MakeToFunc(cty.Bool),
		"tolist":          stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap":           stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber":        stdlib.MakeToFunc(cty.Number),
		"toset":           stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tostring":        stdlib.MakeToFunc(cty.String),
		"trim":            stdlib.TrimFunc,
		"trimprefix":      stdlib.TrimPrefixFunc,
		"trimspace":       stdlib.TrimSpaceFunc,
		"trimsuffix":      stdlib.TrimSuffixFunc,
		"try":             tryfunc.TryFunc,
		"upper":           stdlib.UpperFunc,
		"values":          stdlib.ValuesFunc,
		"zipmap":          stdlib.ZipmapFunc,
	}
}
