package spec_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const stacks = "../../testdata/stacks"

func TestLoadSeed(t *testing.T) {
	t.Parallel()
	stack, diags := spec.Load(filepath.Join(stacks, "good", "seed.hcl"), spec.Options{Version: "0.1.0"})
	noDiags(t, stack, diags)
	type summary struct {
		Name, Version      string
		Resources, Steps   []string
		Variables, Outputs int
	}
	got := summary{Name: stack.Name, Version: stack.Version, Variables: len(stack.Variables), Outputs: len(stack.Outputs)}
	for _, r := range stack.Resources {
		got.Resources = append(got.Resources, r.Addr.String())
	}
	for _, s := range stack.Pipelines["httpd"].Steps {
		got.Steps = append(got.Steps, s.Kind+"/"+s.Name)
	}
	want := summary{
		Name: "web", Version: "1.0.0", Variables: 2, Outputs: 1,
		Resources: []string{"network.web", "image.web", "load_balancer.web", "autoscale_group.web"},
		Steps:     []string{"package/install", "firewall/http", "file/index", "service/httpd", "http/serves"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stack (-want +got):\n%s", d)
	}
}

func TestLoadMetaArguments(t *testing.T) {
	t.Parallel()
	stack, diags := spec.Load(filepath.Join(stacks, "good", "meta.hcl"), spec.Options{})
	noDiags(t, stack, diags)
	if stack.Name != "good" {
		t.Errorf("a stack without a stack block is named %q, want the folder's name", stack.Name)
	}
	each := stack.Resource(addr.Resource{Type: "network", Name: "each"})
	if each == nil {
		t.Fatal("network.each is not in the stack")
	}
	l := each.Lifecycle
	if !l.PreventDestroy || !l.CreateBeforeDestroy || !each.RetainOnDestroy || len(l.IgnoreChanges) != 2 ||
		len(l.ReplaceTriggeredBy) != 1 || len(l.Preconditions) != 1 || len(l.Postconditions) != 1 {
		t.Errorf("lifecycle of network.each is incomplete: %+v", l)
	}
	if d := cmp.Diff(map[string]time.Duration{"create": 10 * time.Minute, "delete": 90 * time.Second}, each.Timeouts); d != "" {
		t.Errorf("timeouts (-want +got):\n%s", d)
	}
	if each.Cloud != "west" || len(stack.Clouds) != 2 || each.ForEach == nil || each.Count != nil || len(each.DependsOn) != 2 {
		t.Errorf("meta-arguments of network.each are wrong: %+v", each)
	}
	if data := stack.Resource(addr.Resource{Mode: addr.Data, Type: "zone", Name: "main"}); data == nil {
		t.Error("data.zone.main is not in the stack")
	}
}

// TestBad shows every mistake the loader finds, exactly as the user sees it.
func TestBad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(stacks, "bad", "*.*ml*"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(stacks, "bad", "*.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, more...)
	if len(files) < 30 {
		t.Fatalf("only %d bad stacks found", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			stack, diags := spec.Load(file, spec.Options{Version: "0.1.0"})
			if !diags.HasErrors() {
				t.Error("no error")
			}
			golden(t, strings.TrimSuffix(file, filepath.Ext(file))+".golden", render(t, stack.Files, diags))
		})
	}
}

func TestLoadUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path, want string
	}{
		"missing":        {filepath.Join(dir, "none.hcl"), "There is no file or folder"},
		"empty folder":   {empty, "holds no *.hcl"},
		"bom":            {write("bom.hcl", []byte("\xef\xbb\xbfstack \"a\" {}\n")), "byte order mark"},
		"utf-16":         {write("utf16.hcl", []byte("\xff\xfes\x00")), "UTF-16"},
		"binary":         {write("bin.hcl", []byte("stack\n\x7fELF\x00")), "zero byte"},
		"latin-1":        {write("latin.hcl", []byte("# caf\xe9\n")), "not valid UTF-8"},
		"huge":           {write("huge.hcl", bytes.Repeat([]byte("# x\n"), 3<<20)), "12.0 MiB"},
		"device":         {"/dev/null", "no regular file"},
		"deep":           {write("deep.hcl", []byte("locals {\n a = "+strings.Repeat("[", 300000)+"\n}")), "levels deep"},
		"long":           {write("long.hcl", []byte("locals {\n a = "+strings.Repeat("!", 300000)+"true\n}")), "operators"},
		"deep yaml":      {write("deep.yaml", []byte("locals: {a: "+strings.Repeat("[", 300000)+"}")), "deep"},
		"many errors":    {write("many.hcl", []byte("a"+strings.Repeat("\x02", 5000))), "more errors"},
		"deep template":  {write("template.yaml", []byte("locals: {a: \"${"+strings.Repeat("(", 300000)+"\"}")), "levels deep"},
		"vars and tests": {filepath.Dir(write("other/default.vars.hcl", []byte("a = 1\n"))), "holds no *.hcl"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack, diags := spec.Load(tt.path, spec.Options{})
			if !diags.HasErrors() {
				t.Fatal("no error")
			}
			if text := render(t, stack.Files, diags); !strings.Contains(text, tt.want) {
				t.Errorf("diagnostics do not say %q:\n%s", tt.want, text)
			}
		})
	}
}

func TestLoadFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a.hcl":            `resource "network" "a" {}`,
		"b.hcl":            `output "x" { value = network.a.id }`,
		"default.vars.hcl": `nothing = 1`,
		"x.test.hcl":       `run "t" {}`,
		"moldctl.lock.hcl": `lock {}`,
		".hidden.hcl":      `broken`,
		"notes.txt":        `not a stack`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stack, diags := spec.Load(dir, spec.Options{})
	noDiags(t, stack, diags)
	if stack.Name != "shop" || len(stack.Resources) != 1 || len(stack.Outputs) != 1 || len(stack.Files) != 2 {
		t.Errorf("got name %q, %d resources, %d outputs, %d files", stack.Name, len(stack.Resources), len(stack.Outputs), len(stack.Files))
	}
}

// FuzzLoad checks that no text brings the loader down.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"good/*.hcl", "bad/*.hcl", "good/*.yaml", "bad/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(stacks, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, strings.HasSuffix(file, ".yaml"))
		}
	}
	f.Add([]byte("resource \"\" \"\" {\n}\ncloud \"a\" \"b\" {}\nstack {}\n"), false)
	f.Fuzz(func(t *testing.T, text []byte, yaml bool) {
		name := "x.hcl"
		if yaml {
			name = "x.yaml"
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		stack, diags := spec.Load(path, spec.Options{Version: "0.1.0"})
		if out := render(t, stack.Files, diags); diags.HasErrors() && out == "" {
			t.Error("errors without a text")
		}
	})
}

func render(t *testing.T, files map[string]*hcl.File, diags hcl.Diagnostics) string {
	t.Helper()
	var b strings.Builder
	if err := (diag.Printer{Files: files, Width: 100}).Print(&b, diags); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func noDiags(t *testing.T, stack *spec.Stack, diags hcl.Diagnostics) {
	t.Helper()
	if len(diags) > 0 {
		t.Fatalf("unexpected diagnostics:\n%s", render(t, stack.Files, diags))
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}
