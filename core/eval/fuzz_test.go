package eval_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec/nesting"
)

// FuzzExpression checks that no expression brings the program down, and that
// each means the same whenever it is evaluated: plans rest on that.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		`1 / 0`, `0 % 0`, `"a" + 1`, `[for i in range(3) : i if i != 1]`, `{ for k, v in { a = 1 } : v => k... }`, `"%{ for x in ["a"] ~} ${x} %{ endfor }"`,
		`format("%5.2f %v %q", 1.5, [1], "x")`, `cidrsubnets("10.0.0.0/8", 4, 4)`, `regexall("a+", "caab")`, `jsondecode("{\"a\": [1, null]}")`, `yamldecode("a: [1, .inf]")`,
		`formatdate("YYYY", "2026-01-02T03:04:05Z")`, `timeadd("2026-01-02T03:04:05Z", "1h")`, `base64decode("!")`, `merge({ a = 1 }, null)`, `[1, 2][*]`, `sensitive("x")`,
		`try(null.x, can(1))`, `slice([1, 2], -1, 5)`, `substr("한국", 0, -1)`, `element([], 0)`, `setproduct([1], [])`, `uuidv5("dns", "a")`, `pow(9, 9999)`, `parseint("zz", 37)`,
	} {
		f.Add(s)
	}
	functions := eval.Functions(f.TempDir(), func(string) (string, bool) { return "", false })
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 || strings.Count(text, "for") > 2 { // loops in loops are as long as their author wants
			return
		}
		if nesting.Expression([]byte(text), "x") != nil {
			return
		}
		expr, diags := hclsyntax.ParseExpression([]byte(text), "x", hcl.InitialPos)
		if diags.HasErrors() {
			return
		}
		first, diags := eval.Constant(expr, cty.DynamicPseudoType, functions)
		again, more := eval.Constant(expr, cty.DynamicPseudoType, functions)
		if diags.HasErrors() != more.HasErrors() || (!diags.HasErrors() && !first.RawEquals(again)) {
			t.Errorf("%s is %#v (%v), and then %#v (%v)", text, first, diags, again, more)
		}
	})
}
