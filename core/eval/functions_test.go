package eval_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/eval"
)

func TestFunctions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.txt": "alpha", "sub/b.txt": "beta", "sub/deep/c.txt": "c", "t.tpl": "Hello ${name}%{ for i in list } ${i}%{ endfor }!",
		"bad.tpl": "${nothing}", "loop.tpl": `${templatefile("loop.tpl", {})}`, "bin": "\xff\xfe",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(k string) (string, bool) { return "v-" + k, k == "SET" }
	// want is an expression for the value; err is part of the message.
	tests := []struct{ expr, want, err string }{
		{`upper("a")`, `"A"`, ""},
		{`length("한국")`, `2`, ""},
		{`length([1, 2])`, `2`, ""},
		{`length({a = 1})`, `1`, ""},
		{`length(3)`, ``, "a text, list, set, map or object is required"},
		{`length(unknown)`, `unknown_number`, ""},
		{`one([])`, `null`, ""},
		{`one(["x"])`, `"x"`, ""},
		{`one(tolist(["x", "y"]))`, ``, "more than one element"},
		{`coalesce(null, "b")`, `"b"`, ""},
		{`try(unset.x, "fallback")`, `"fallback"`, ""},
		{`can(tonumber("x"))`, `false`, ""},
		{`sum([1, 2, 3.5])`, `6.5`, ""},
		{`sum(["a"])`, ``, "must be a number"},
		{`alltrue([true, false])`, `false`, ""},
		{`anytrue([true, false])`, `true`, ""},
		{`alltrue([])`, `true`, ""},
		{`index(["a", "b"], "b")`, `1`, ""},
		{`index(["a"], "c")`, ``, "not in the list"},
		{`startswith("abc", "ab") && endswith("abc", "bc") && strcontains("abc", "b")`, `true`, ""},
		{`replace("a.b.c", ".", "-")`, `"a-b-c"`, ""},
		{`replace("abc", "/[ab]/", "x")`, `"xxc"`, ""},
		{`replace("abc", "/[/", "x")`, ``, "invalid regular expression"},
		{`base64decode(base64encode("한국"))`, `"한국"`, ""},
		{`base64decode("!")`, ``, "not base64"},
		{`base64decode("/w==")`, ``, "not UTF-8"},
		{`urlencode("a b&c")`, `"a+b%26c"`, ""},
		{`sha256("")`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`, ""},
		{`md5("a")`, `"0cc175b9c0f1b6a831c399e269772661"`, ""},
		{`uuidv5("dns", "www.example.com")`, `"2ed6657d-e927-568b-95e1-2665a8aea6a2"`, ""},
		{`uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com")`, `"2ed6657d-e927-568b-95e1-2665a8aea6a2"`, ""},
		{`uuidv5("x", "y")`, ``, "dns, url, oid, x500 or a UUID"},
		{`cidrhost("10.1.0.0/16", 258)`, `"10.1.1.2"`, ""},
		{`cidrhost("10.1.0.0/16", -2)`, `"10.1.255.254"`, ""},
		{`cidrhost("10.1.0.0/30", 4)`, ``, "room for 4 hosts"},
		{`cidrhost("fd00::/64", 10)`, `"fd00::a"`, ""},
		{`cidrhost("10.1.0.0", 1)`, ``, "no prefix"},
		{`cidrnetmask("10.0.0.0/12")`, `"255.240.0.0"`, ""},
		{`cidrnetmask("0.0.0.0/0")`, `"0.0.0.0"`, ""},
		{`cidrnetmask("fd00::/64")`, ``, "no netmask"},
		{`cidrsubnet("10.1.0.0/16", 8, 3)`, `"10.1.3.0/24"`, ""},
		{`cidrsubnet("10.1.0.0/16", 8, 256)`, ``, "below 2^8"},
		{`cidrsubnet("10.1.0.0/16", 17, 0)`, ``, "0 to 16 bits"},
		{`cidrsubnets("10.1.0.0/16", 8, 4, 8)`, `tolist(["10.1.0.0/24", "10.1.16.0/20", "10.1.32.0/24"])`, ""},
		{`cidrsubnets("10.1.0.0/30", 1, 1, 1)`, ``, "no room left"},
		{`jsondecode("{\"a\": [1, true]}").a[0]`, `1`, ""},
		{`jsonencode({a = 1})`, `"{\"a\":1}"`, ""},
		{`yamldecode("a: [1, no, 0644, 'x']\nb: ~\n")`, `{a = [1, "no", "0644", "x"], b = null}`, ""},
		{`yamldecode("a: [")`, ``, "not usable as YAML"},
		{`yamldecode("a: 1\na: 2\n")`, ``, "already at line 1"},
		{`yamldecode(yamlencode({a = [1, 2.5, true, null, "yes"], b = {c = "x: y\n"}}))`, `{a = [1, 2.5, true, null, "yes"], b = {c = "x: y\n"}}`, ""},
		{`file("a.txt")`, `"alpha"`, ""},
		{`file("none.txt")`, ``, "no file none.txt"},
		{`file("sub")`, ``, "no regular file"},
		{`file("bin")`, ``, "not UTF-8 text"},
		{`filebase64("a.txt")`, `"YWxwaGE="`, ""},
		{`filesha256("a.txt")`, `sha256("alpha")`, ""},
		{`fileexists("a.txt") && !fileexists("b.txt")`, `true`, ""},
		{`fileset("sub", "**")`, `toset(["b.txt", "deep/c.txt"])`, ""},
		{`fileset(".", "*.txt")`, `toset(["a.txt"])`, ""},
		{`fileset(".", "sub/*/*.txt")`, `toset(["sub/deep/c.txt"])`, ""},
		{`fileset(".", "[")`, ``, "no pattern"},
		{`basename("x/y.z")`, `"y.z"`, ""},
		{`dirname("x/y.z")`, `"x"`, ""},
		{`templatefile("t.tpl", {name = "you", list = [1, 2]})`, `"Hello you 1 2!"`, ""},
		{`templatefile("t.tpl", {name = unknown, list = []})`, `unknown`, ""},
		{`templatefile("bad.tpl", {})`, ``, "bad.tpl, line 1"},
		{`templatefile("loop.tpl", {})`, ``, "templatefile"},
		{`templatefile("t.tpl", "x")`, ``, "a map of the template's variables is required"},
		{`env("SET")`, `sensitive("v-SET")`, ""},
		{`env("UNSET")`, ``, "UNSET is not set"},
		{`env("UNSET", "d")`, `sensitive("d")`, ""},
		{`issensitive(env("SET"))`, `true`, ""},
		{`nonsensitive(env("SET"))`, `"v-SET"`, ""},
		{`upper(sensitive("a"))`, `sensitive("A")`, ""},
		{`length(sensitive("abc"))`, `sensitive(3)`, ""},
		{`sha256(unknown)`, `unknown`, ""},
	}
	functions := eval.Functions(dir, getenv)
	ctx := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{
		"unknown": cty.UnknownVal(cty.String), "unknown_number": cty.UnknownVal(cty.Number), "unset": cty.EmptyObjectVal,
	}}
	value := func(text string) (cty.Value, hcl.Diagnostics) {
		expr, diags := hclsyntax.ParseExpression([]byte(text), "test", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return expr.Value(ctx)
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			got, diags := value(tt.expr)
			if tt.err != "" {
				if !diags.HasErrors() || !strings.Contains(diags.Error(), tt.err) {
					t.Errorf("got %#v, %v; want an error that says %q", got, diags, tt.err)
				}
				return
			}
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			want, diags := value(tt.want)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if !want.IsKnown() {
				if got.IsKnown() {
					t.Errorf("got %#v, want an unknown value", got)
				}
				return
			}
			if !got.RawEquals(want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
		})
	}
}

// TestFunctionNames holds the functions the language promises.
func TestFunctionNames(t *testing.T) {
	t.Parallel()
	names := eval.FunctionNames()
	for _, want := range strings.Fields(`abs base64decode base64encode can ceil cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce
		concat contains distinct element env file fileset filesha256 flatten floor format join jsondecode jsonencode keys length
		lookup lower max merge min nonsensitive one range regex replace sensitive setproduct slice sort split templatefile timeadd
		tobool tolist tomap tonumber toset tostring trimspace try upper uuidv5 values yamldecode yamlencode zipmap`) {
		if !slices.Contains(names, want) {
			t.Errorf("the function %s is missing", want)
		}
	}
}
