package eval

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func textFunctions() map[string]function.Function {
	return map[string]function.Function{
		"endswith":    textTest("text", "suffix", strings.HasSuffix),
		"startswith":  textTest("text", "prefix", strings.HasPrefix),
		"strcontains": textTest("text", "part", strings.Contains),
		"replace":     replaceFunction(),
	}
}

func textTest(first, second string, test func(a, b string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: first, Type: cty.String}, {Name: second, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(test(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// replaceFunction replaces a text, or, if it is written between slashes, all
// matches of a regular expression.
func replaceFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "text", Type: cty.String}, {Name: "what", Type: cty.String}, {Name: "with", Type: cty.String},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, what, with := args[0].AsString(), args[1].AsString(), args[2].AsString()
			if len(what) > 1 && strings.HasPrefix(what, "/") && strings.HasSuffix(what, "/") {
				re, err := regexp.Compile(what[1 : len(what)-1])
				if err != nil {
					return cty.NilVal, function.NewArgErrorf(1, "invalid regular expression: %s", err)
				}
				return cty.StringVal(re.ReplaceAllString(text, with)), nil
			}
			return cty.StringVal(strings.ReplaceAll(text, what, with)), nil
		},
	})
}

// envFunction reads the environment. What it gives is taken for a secret.
func envFunction(getenv func(string) (string, bool)) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String, AllowNull: true},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 2 {
				return cty.NilVal, fmt.Errorf("takes a name and at most one default")
			}
			name := args[0].AsString()
			if getenv != nil {
				if v, ok := getenv(name); ok {
					return cty.StringVal(v).Mark(Sensitive), nil
				}
			}
			if len(args) == 2 {
				return args[1].Mark(Sensitive), nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "the environment variable %s is not set; a second argument would be its default", name)
		},
	})
}
