package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program copies a real program to a place of its own.
func program(t *testing.T, from string) (path, sum string) {
	t.Helper()
	found, err := exec.LookPath(from)
	if err != nil {
		t.Skipf("no %s here", from)
	}
	text, err := os.ReadFile(found)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), string(elf)) {
		t.Skipf("%s is no program of its own", found)
	}
	path = filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(text)
	return path, hex.EncodeToString(digest[:])
}

// TestVerifiedFileIsRun: a program that is replaced after it was compared is
// not run.
func TestVerifiedFileIsRun(t *testing.T) {
	t.Parallel()
	path, sum := program(t, "echo")
	other, _ := program(t, "false")
	cmd := exec.Command(path, "the one that was compared")
	p := &process{src: Source{SHA256: sum}}
	f, err := p.verify(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "the one that was compared" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	path, sum := program(t, "true")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("#!/bin/sh\nexit 0\n"))
	tests := map[string]struct{ path, sum, want string }{
		"as locked":      {path, sum, ""},
		"not compared":   {path, "", ""},
		"a script":       {script, hex.EncodeToString(digest[:]), ""},
		"changed":        {script, sum, "was changed since it was locked"},
		"not there":      {path + "x", sum, "open its program"},
		"a folder of it": {filepath.Dir(path), sum, "read the program"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(tt.path)
			f, err := (&process{src: Source{SHA256: tt.sum}}).verify(cmd)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f != nil {
				defer f.Close()
			}
			if err := cmd.Run(); err != nil {
				t.Error(err)
			}
		})
	}
}
