package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// fenced matches a fenced block: its language, what stands beside it, its text.
var fenced = regexp.MustCompile("(?ms)^```([a-z]+)([^\n]*)\n(.*?)^```")

// TestTutorial does what the page for plugin authors says, in its order: it
// writes the files, makes the edits, runs the commands, and compares what they
// say. A command without any output shown may say anything.
func TestTutorial(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "plugin-authors.md"))
	if err != nil {
		t.Fatal(err)
	}
	w := &tutorial{}
	for _, m := range fenced.FindAllStringSubmatch(string(page), -1) {
		w.block(t, m[1], strings.TrimSpace(m[2]), m[3])
	}
	if w.commands < 10 {
		t.Fatalf("only %d commands were found", w.commands)
	}
	file := filepath.Join(t.TempDir(), "tutorial.txtar")
	if err := os.WriteFile(file, []byte(w.script.String()+w.files.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files: []string{file}, WorkdirRoot: t.TempDir(), RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			if err := setUp(env); err != nil {
				return err
			}
			return goSettings(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"insert": insert},
	})
}

// tutorial is a script that grows from the blocks of a page.
type tutorial struct {
	script, files strings.Builder
	commands      int
	stored        int
}

func (w *tutorial) block(t *testing.T, language, beside, text string) {
	t.Helper()
	name, isFile := strings.CutPrefix(beside, "file=")
	edit, isEdit := strings.CutPrefix(beside, "edit=")
	switch {
	case isFile:
		// What a command wrote before must be just that.
		stored := w.store(text)
		fmt.Fprintf(&w.script, "mkdir %s\ncp %s %s\n", filepath.Dir(name), stored, name)
		if strings.HasSuffix(name, "acme-dns/plugin.yaml") {
			fmt.Fprintf(&w.script, "cmp %s written\n", stored)
		}
	case isEdit:
		name, after, _ := strings.Cut(edit, " after=")
		fmt.Fprintf(&w.script, "insert %s %s %s\n", name, after, w.store(text))
	case language == "sh":
		w.shell(text)
	}
}

// store keeps a text as a file of the script.
func (w *tutorial) store(text string) string {
	w.stored++
	name := fmt.Sprintf("block-%d", w.stored)
	fmt.Fprintf(&w.files, "-- %s --\n%s", name, text)
	return name
}

// shell runs the commands of a block and compares the output that follows each.
func (w *tutorial) shell(text string) {
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		command, output, _ := strings.Cut(part, "\n")
		w.commands++
		switch {
		case strings.HasPrefix(command, "cd "):
			fmt.Fprintf(&w.script, "%s\n", strings.ReplaceAll(command, "cd ..", "cd $WORK"))
			continue
		case strings.HasPrefix(command, "go get "):
			// This very source stands for what would be fetched.
			fmt.Fprintf(&w.script, "exec go mod edit -require=%[1]s@v0.0.0 -replace=%[1]s=$SOURCE\ncp $SOURCE/go.sum go.sum\n", "github.com/moldctl/moldctl")
			continue
		}
		fmt.Fprintf(&w.script, "exec %s\n", command)
		if strings.TrimSpace(output) != "" {
			fmt.Fprintf(&w.script, "cmp stdout $WORK/%s\n", w.store(strings.TrimRight(output, "\n")+"\n"))
		}
		if strings.Contains(command, "plugin new --http") {
			fmt.Fprintf(&w.script, "cp acme-dns/plugin.yaml written\n")
		}
	}
}

// insert puts the lines of a file after the line that starts with a word.
func insert(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: insert FILE WORD TEXT")
	}
	text, more := ts.ReadFile(args[0]), ts.ReadFile(args[2])
	var out []string
	done := false
	for _, line := range strings.SplitAfter(text, "\n") {
		out = append(out, line)
		if !done && strings.HasPrefix(strings.TrimSpace(line), args[1]) {
			out, done = append(out, more), true
		}
	}
	if !done {
		ts.Fatalf("%s has no line that starts with %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(out, "")), 0o600))
}

// goSettings lets a script build with what this machine has, without the
// network.
func goSettings(env *testscript.Env) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	env.Setenv("SOURCE", root)
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOROOT"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return fmt.Errorf("go env %s: %w", name, err)
		}
		env.Setenv(name, strings.TrimSpace(string(out)))
	}
	env.Setenv("GOPROXY", "off")
	env.Setenv("GOFLAGS", "-mod=mod")
	env.Setenv("GOTOOLCHAIN", "local")
	env.Setenv("GOSUMDB", "off")
	return nil
}
