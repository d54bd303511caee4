package pluginspec

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// The bundled plugins keep their trees in files, which `make generate` writes.
func TestTreesOfBundledPlugins(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../plugins/*/plugin.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no plugin.yaml found: %v", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(filepath.Dir(file), "plugin.tree"))
		if err != nil {
			t.Fatal(err)
		}
		made, err := EncodeTree(file, src)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, made) {
			t.Errorf("%s: plugin.tree is of another text; run make generate", file)
		}
		want, _ := Parse(file, src)
		got, diags := ParseTree(file, src, kept)
		if diags.HasErrors() || !reflect.DeepEqual(bare(want), bare(got)) {
			t.Errorf("%s: read with its tree it is not what it is without: %v", file, diags)
		}
	}
}

func TestParseTree(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/network.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, diags := Parse("p.yaml", src)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	tree, err := EncodeTree("p.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(tree)
	other[0] ^= 1
	tests := map[string]struct {
		tree []byte
		used bool
	}{
		"its tree":             {tree, true},
		"no tree":              {nil, false},
		"tree of another text": {other, false},
		"tree with more":       {append(bytes.Clone(tree), 0), false},
		"fingerprint only":     {tree[:32], false},
		"half of a tree":       {tree[:len(tree)/2], false},
		"all but the end":      {tree[:len(tree)-1], false},
		"number without end":   {append(bytes.Clone(tree[:32]), 0xff, 0xff, 0xff, 0xff, 0xff), false},
		"value beyond the end": {append(bytes.Clone(tree[:32]), 8, 0, 1, 1, 0x7f, 0), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := decodeTree(src, tt.tree); (err == nil) != tt.used {
				t.Errorf("tree used: %v, want %v", err == nil, tt.used)
			}
			got, diags := ParseTree("p.yaml", src, tt.tree)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if !reflect.DeepEqual(bare(want), bare(got)) {
				t.Error("the plugin is not the one that is read from the text alone")
			}
		})
	}
}

func TestTextWithMistakesHasNoTree(t *testing.T) {
	t.Parallel()
	if _, err := EncodeTree("p.yaml", []byte("plugin: [")); err == nil {
		t.Error("a tree was made of it")
	}
	if _, diags := ParseTree("p.yaml", []byte("plugin: ["), nil); !diags.HasErrors() {
		t.Error("its mistakes went unnoticed")
	}
}

// bare is a plugin without what its types make when they are asked for it.
func bare(p *Plugin) Plugin {
	out := *p
	out.Types = map[string]*Type{}
	for name, t := range p.Types {
		alone := *t
		alone.parsed = nil
		out.Types[name] = &alone
	}
	return out
}
