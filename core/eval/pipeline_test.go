package eval_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/eval"
)

var kinds = map[string]eval.Kind{
	"package": {Schema: hcldec.ObjectSpec{"names": &hcldec.AttrSpec{Name: "names", Type: cty.List(cty.String), Required: true}}},
	"service": {Schema: hcldec.ObjectSpec{"name": &hcldec.AttrSpec{Name: "name", Type: cty.String, Required: true}}},
	"file": {
		Schema: hcldec.ObjectSpec{
			"path":    &hcldec.AttrSpec{Name: "path", Type: cty.String, Required: true},
			"content": &hcldec.AttrSpec{Name: "content", Type: cty.String},
			"source":  &hcldec.AttrSpec{Name: "source", Type: cty.String},
		},
		Files: []string{"source"},
	},
}

// pipeline evaluates a pipeline of the given steps.
func pipeline(t *testing.T, steps string) (cty.Value, string) {
	t.Helper()
	w := load(t, "variable \"secret\" {\n default = \"hunter2\"\n sensitive = true\n}\nresource \"network\" \"one\" {\n}\npipeline \"p\" {\n"+steps+"\n}\n")
	if err := os.WriteFile(filepath.Join(w.stack.Dir, "index.html"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.resources[w.stack.Resources[0].Addr] = network("id-1")
	refs, diags := w.scope.Names.PipelineReferences(w.stack.Pipelines["p"], kinds)
	if (strings.Contains(steps, "network.one") || strings.Contains(steps, "var.secret")) != (len(refs) > 0) {
		t.Errorf("references of the pipeline: %v", refs)
	}
	v, more := w.scope.Pipeline(w.stack.Pipelines["p"], kinds)
	diags = append(diags, more...)
	if diags.HasErrors() {
		return v, w.text(diags)
	}
	return v, ""
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	v, text := pipeline(t, `
step "package" "install" {
  names = ["httpd"]
}
step "service" "web" {
  name = "httpd"
}
step "file" "index" {
  path   = "/var/www/html/index.html"
  source = "index.html"
}`)
	if text != "" {
		t.Fatal(text)
	}
	steps := v.GetAttr("steps").AsValueSlice()
	if len(steps) != 3 || v.GetAttr("name").AsString() != "p" || len(v.GetAttr("digest").AsString()) != 64 {
		t.Fatalf("got %#v", v)
	}
	if s := steps[0]; s.GetAttr("kind").AsString() != "package" || s.GetAttr("name").AsString() != "install" || s.GetAttr("label").AsString() != "install" {
		t.Errorf("first step is %#v", s)
	}
	if s := steps[1]; s.GetAttr("name").AsString() != "httpd" || s.GetAttr("label").AsString() != "web" {
		t.Errorf("second step is %#v: its own attribute stands before the label", s)
	}
	file := steps[2]
	if !filepath.IsAbs(file.GetAttr("source").AsString()) ||
		file.GetAttr("source_sha256").AsString() != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" ||
		!file.GetAttr("content").IsNull() {
		t.Errorf("third step is %#v", file)
	}
}

func TestPipelineDigest(t *testing.T) {
	t.Parallel()
	digest := func(steps string) string {
		v, text := pipeline(t, steps)
		if text != "" {
			t.Fatal(text)
		}
		return v.GetAttr("digest").AsString()
	}
	base := digest("step \"service\" \"a\" {\n name = \"httpd\"\n}")
	if digest("step \"service\" \"renamed\" {\n name = \"httpd\"\n}") != base {
		t.Error("the label of a step is part of the digest, so renaming it would rebuild the image")
	}
	if digest("step \"service\" \"a\" {\n name = \"nginx\"\n}") == base {
		t.Error("an attribute is not part of the digest")
	}
	// Every run has a folder of its own, so equal digests show that the place
	// of a file does not matter.
	file := "step \"file\" \"a\" {\n path = \"/x\"\n source = \"index.html\"\n}"
	here, there := digest(file), digest(file)
	if here != there {
		t.Error("the place of the stack's folder is part of the digest")
	}
}

func TestPipelineUnknownAndSensitive(t *testing.T) {
	t.Parallel()
	v, text := pipeline(t, "step \"file\" \"a\" {\n path = \"/x\"\n content = network.one.cidr\n}")
	if text != "" || v.GetAttr("digest").IsKnown() {
		t.Errorf("%s digest %#v, want an unknown one", text, v.GetAttr("digest"))
	}
	v, text = pipeline(t, "step \"file\" \"a\" {\n path = \"/x\"\n content = var.secret\n}")
	step := v.GetAttr("steps").AsValueSlice()
	if text != "" || !eval.IsSensitive(v.GetAttr("digest")) || !eval.IsSensitive(step[0].GetAttr("content")) || eval.IsSensitive(step[0].GetAttr("path")) {
		t.Errorf("%s got %#v", text, v)
	}
}

func TestPipelineMistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ steps, want string }{
		"kind":         {"step \"pakage\" \"a\" {\n}", `No plugin knows steps of the kind "pakage". Did you mean "package"?`},
		"foreign kind": {"step \"x11\" \"a\" {\n}", `The kinds are file, package, service.`},
		"missing":      {"step \"package\" \"a\" {\n}", `The argument "names" is required`},
		"unknown":      {"step \"service\" \"a\" {\n name = \"x\"\n nmae = \"y\"\n}", `An argument named "nmae" is not expected here`},
		"type":         {"step \"package\" \"a\" {\n names = 3\n}", `list of string`},
		"file":         {"step \"file\" \"a\" {\n path = \"/x\"\n source = \"none\"\n}", "line 10, column 11"},
		"reference":    {"step \"service\" \"a\" {\n name = var.nothing\n}", `No variable is named "nothing"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, text := pipeline(t, tt.steps); !strings.Contains(text, tt.want) {
				t.Errorf("the diagnostics do not say %q:\n%s", tt.want, text)
			}
		})
	}
}
