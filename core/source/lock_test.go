package source_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
)

const someHash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func TestLockFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := source.ReadLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.Modules["git::https://g.example/r?ref=${x}"] = source.Entry{
		Name: "git::https://g.example/r?ref=${x}", Source: "git::https://g.example/r?ref=${x}", Version: "1.0.0", Ref: "v1.0.0", Revision: "abc",
		Hashes: map[string]string{source.AnyPlatform: someHash},
	}
	l.Plugins["acme"] = source.Entry{
		Name: "acme", Source: "./acme_{platform}.tar.gz", Sub: "p", Version: "1.0.0", Needs: []string{"cloud"},
		Hashes: map[string]string{"linux_amd64": someHash, "darwin_arm64": someHash},
	}
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, source.LockFile)
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := source.ReadLock(dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	if diff := cmp.Diff(l, again, cmpopts.IgnoreUnexported(source.Lock{})); diff != "" {
		t.Errorf("lock (-written +read):\n%s\n%s", diff, first)
	}
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if err := again.Write(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("a lock file that says the same was written again: %v", err)
	}
	clear(again.Modules)
	clear(again.Plugins)
	if err := again.Write(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}

func TestLockFileRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"syntax":        {"format = 1\nmodule {", "line 2"},
		"newer":         {"format = 2\nnews \"x\" {}\n", "written by a newer moldctl"},
		"no format":     {"plugin \"a\" {}\n", "format"},
		"unknown":       {"format = 1\nsurprise = true\n", "line 2: Unsupported argument"},
		"no hash":       {"format = 1\nmodule \"m\" {\n  hashes = {}\n}\n", "no hash for m"},
		"bad hash":      {"format = 1\nmodule \"m\" {\n  hashes = {any = \"h1:../../x\"}\n}\n", "is none"},
		"twice":         {"format = 1\nmodule \"m\" {\n  hashes = {any = \"" + someHash + "\"}\n}\nmodule \"m\" {\n  hashes = {any = \"" + someHash + "\"}\n}\n", "twice"},
		"an expression": {"format = 1\nplugin \"a\" {\n  source = file(\"/etc/passwd\")\n  version = \"1\"\n  hashes = {}\n}\n", "line 3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, map[string]string{source.LockFile: tt.text})
			s, err := source.Open(source.Options{Folder: dir})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if s == nil || len(s.Lock.Modules) > 0 {
				t.Error("there must be a store with nothing locked")
			}
		})
	}
}

// TestModules: one mechanism fetches, locks and finds again.
func TestModules(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	write(t, s.Folder(), map[string]string{"m.zip": string(zipOf(t, entry{name: "main.hcl", body: "first"}))})
	query := spec.ModuleQuery{Source: "./m.zip", Dir: s.Folder()}
	if _, err := s.Locked().Find(query); err == nil || !strings.Contains(err.Error(), "moldctl init fetches and locks it") {
		t.Fatalf("error %v", err)
	}
	var told []string
	fetching := s.Fetching(t.Context(), false)
	fetching.Told = func(line string) { told = append(told, line) }
	first, err := fetching.Find(query)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Fetching ./m.zip"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	fetching.Settle(map[string]string{"./m.zip": "1.2.3"})
	if got := s.Lock.Modules["./m.zip"].Version; got != "1.2.3" {
		t.Errorf("version %q", got)
	}
	if found, err := s.Locked().Find(query); err != nil || found.Dir != first.Dir || found.Version != "1.2.3" {
		t.Errorf("%+v, %v", found, err)
	}
	// What has changed at its place is not taken unless that is asked for.
	write(t, s.Folder(), map[string]string{"m.zip": string(zipOf(t, entry{name: "main.hcl", body: "second"}))})
	if found, err := s.Fetching(t.Context(), false).Find(query); err != nil || found.Dir != first.Dir {
		t.Errorf("%+v, %v", found, err)
	}
	if err := os.RemoveAll(first.Root); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fetching(t.Context(), false).Find(query); err == nil || !strings.Contains(err.Error(), "changed under its name") {
		t.Errorf("error %v", err)
	}
	if found, err := s.Fetching(t.Context(), true).Find(query); err != nil || found.Dir == first.Dir {
		t.Errorf("%+v, %v", found, err)
	}
	unused := s.Fetching(t.Context(), false)
	unused.Settle(nil)
	if len(s.Lock.Modules) > 0 {
		t.Errorf("still locked: %v", s.Lock.Modules)
	}
}

func TestModulesRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query spec.ModuleQuery
		want  string
	}{
		"a folder without dot":       {spec.ModuleQuery{Source: "acme/base"}, `"./acme/base"`},
		"no source":                  {spec.ModuleQuery{Source: "ftp://x/y.zip"}, "cannot be fetched from"},
		"by platform":                {spec.ModuleQuery{Source: "https://a.example/m_{platform}.zip"}, "the same on every platform"},
		"archive of a module's host": {spec.ModuleQuery{Source: "./m.zip", Confined: true}, "of this machine"},
		"repository of its host":     {spec.ModuleQuery{Source: "git::file:///srv/r", Confined: true}, "of this machine"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			tt.query.Dir = s.Folder()
			if _, err := s.Fetching(t.Context(), false).Find(tt.query); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestPack: the same bytes for the same content, which comes back as it was.
func TestPack(t *testing.T) {
	t.Parallel()
	files := map[string]string{"plugin.yaml": "plugin: acme\n", "bin/acme": "#!/bin/sh\n", "examples/a.hcl": "# a\n"}
	var archives [][]byte
	for i, when := range []time.Time{time.Unix(1, 0), time.Unix(1e9, 0)} {
		dir := t.TempDir()
		write(t, dir, files)
		write(t, dir, map[string]string{".git/HEAD": time.Now().String(), ".moldctl/state.db": "state"})
		for name := range files {
			if err := os.Chtimes(filepath.Join(dir, name), when, when); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Join(dir, "bin/acme"), []os.FileMode{0o755, 0o700}[i]); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := source.Pack(t.Context(), dir, &b); err != nil {
			t.Fatal(err)
		}
		archives = append(archives, b.Bytes())
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("archives of one content differ")
	}
	got, err := unpack(t, archives[0], small())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, got); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	var refused *source.RefusedError
	if err := source.Pack(t.Context(), dir, &bytes.Buffer{}); !errors.As(err, &refused) {
		t.Errorf("error %v, want a refusal", err)
	}
}
