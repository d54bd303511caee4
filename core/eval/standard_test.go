package eval_test

import (
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/moldctl/moldctl/core/eval"
)

// TestStandardFunctions calls each function once that is the language's as it
// is everywhere: that it is wired to its name.
func TestStandardFunctions(t *testing.T) {
	t.Parallel()
	ctx := &hcl.EvalContext{Functions: eval.Functions(t.TempDir(), func(string) (string, bool) { return "", false })}
	value := func(text string) (string, error) {
		expr, diags := hclsyntax.ParseExpression([]byte(text), "test", hcl.InitialPos)
		if diags.HasErrors() {
			return "", diags
		}
		v, diags := expr.Value(ctx)
		if diags.HasErrors() {
			return "", diags
		}
		return v.GoString(), nil
	}
	for _, tt := range [][2]string{
		{`abs(-2)`, `2`}, {`ceil(1.2)`, `2`}, {`floor(1.8)`, `1`}, {`signum(-3)`, `-1`}, {`log(8, 2)`, `3`}, {`pow(2, 10)`, `1024`},
		{`max(1, 3, 2)`, `3`}, {`min(3, 1, 2)`, `1`}, {`parseint("ff", 16)`, `255`},
		{`base64gzip("")`, `"H4sIAAAAAAAA/wEAAP//AAAAAAAAAAA="`},
		{`base64sha256("a")`, `"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="`},
		{`length(base64sha512("a"))`, `88`}, {`sha1("a")`, `"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`}, {`length(sha512("a"))`, `128`},
		{`chomp("a\n\n")`, `"a"`}, {`indent(2, "a\nb")`, `"a\n  b"`}, {`lower("AB")`, `"ab"`}, {`title("a b")`, `"A B"`},
		{`strrev("abc")`, `"cba"`}, {`substr("hello", 1, 3)`, `"ell"`}, {`trim("xax", "x")`, `"a"`}, {`trimprefix("xa", "x")`, `"a"`},
		{`trimsuffix("ax", "x")`, `"a"`}, {`trimspace(" a ")`, `"a"`}, {`split(",", "a,b")`, `tolist(["a", "b"])`}, {`join("-", ["a", "b"])`, `"a-b"`},
		{`format("%02d", 7)`, `"07"`}, {`formatlist("%s!", ["a", "b"])`, `tolist(["a!", "b!"])`}, {`regex("[0-9]+", "a12")`, `"12"`},
		{`regexall("[0-9]", "a12")`, `tolist(["1", "2"])`}, {`formatdate("YYYY", "2026-01-02T03:04:05Z")`, `"2026"`},
		{`timeadd("2026-01-02T03:04:05Z", "1h")`, `"2026-01-02T04:04:05Z"`},
		{`chunklist(["a", "b", "c"], 2)`, `tolist([tolist(["a", "b"]), tolist(["c"])])`}, {`coalescelist([], ["b"])`, `["b"]`},
		{`compact(["a", "", "b"])`, `tolist(["a", "b"])`}, {`concat(["a"], ["b"])`, `["a", "b"]`}, {`contains(["a"], "a")`, `true`},
		{`distinct(["a", "b", "a"])`, `tolist(["a", "b"])`}, {`element(["a", "b"], 3)`, `"b"`}, {`flatten([["a"], ["b"]])`, `["a", "b"]`},
		{`range(3)`, `tolist([0, 1, 2])`}, {`reverse(["a", "b"])`, `["b", "a"]`}, {`slice(["a", "b", "c"], 1, 3)`, `["b", "c"]`},
		{`sort(["b", "a"])`, `tolist(["a", "b"])`}, {`csvdecode("a,b\n1,2\n")`, `tolist([{a = "1", b = "2"}])`},
		{`keys({b = 1, a = 2})`, `["a", "b"]`}, {`values({b = 1, a = 2})`, `[2, 1]`}, {`lookup({a = 1}, "b", 5)`, `5`},
		{`merge({a = 1}, {b = 2})`, `{a = 1, b = 2}`}, {`zipmap(["a"], [1])`, `{a = 1}`},
		{`setunion(["a"], ["b"])`, `toset(["a", "b"])`}, {`setintersection(["a", "b"], ["b"])`, `toset(["b"])`},
		{`setsubtract(["a", "b"], ["b"])`, `toset(["a"])`}, {`setproduct(["a"], ["b"])`, `tolist([["a", "b"]])`},
		{`tobool("true")`, `true`}, {`tostring(5)`, `"5"`}, {`tomap({a = 1})`, `tomap({a = 1})`}, {`tonumber("5")`, `5`},
	} {
		got, err := value(tt[0])
		if err != nil {
			t.Errorf("%s: %v", tt[0], err)
			continue
		}
		want, err := value(tt[1])
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s = %s, want %s", tt[0], got, want)
		}
	}
}
