package guest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/interp"
)

// program is a built-in command; it returns its exit status.
type program func(ctx context.Context, p *proc) int

// proc is one running command.
type proc struct {
	stdio
	m       *Machine
	s       session
	args    []string // with the name
	builtin func(args []string) error
}

// fail prints "name: message" and returns status 1.
func (p *proc) fail(format string, a ...any) int {
	fmt.Fprintf(p.err, "%s: %s\n", path.Base(p.args[0]), fmt.Sprintf(format, a...))
	return 1
}

func (p *proc) printf(format string, a ...any) { fmt.Fprintf(p.out, format, a...) }

// path makes an argument absolute.
func (p *proc) path(name string) string { return absolute(p.s.dir, name) }

// read reads a file argument; "-" is standard input.
func (p *proc) read(name string) ([]byte, error) {
	in, err := p.open(name)
	if err != nil {
		return nil, err
	}
	return readAll(in)
}

// open opens a file argument for reading; "-" is standard input.
func (p *proc) open(name string) (io.Reader, error) {
	if name == "-" || name == "/dev/stdin" {
		return p.in, nil
	}
	f, err := p.m.disk.OpenFile(p.s.cred, p.path(name), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	if info, err := p.m.disk.Stat(p.s.cred, p.path(name), true); err == nil && info.IsDir() {
		return nil, syscall.EISDIR
	}
	return f, nil
}

// needRoot prints the usual complaint unless root acts.
func (p *proc) needRoot(message string) bool {
	if p.s.cred.UID == 0 {
		return true
	}
	fmt.Fprintln(p.err, message)
	return false
}

// exec finds and runs a command.
func (m *Machine) exec(ctx context.Context, p *proc) int {
	file, status := m.find(p, p.args[0])
	if status != 0 {
		return status
	}
	data, err := m.disk.ReadFile(p.s.cred, file)
	if err != nil {
		// Executable but not readable, as for a program with mode 0711.
		return 126
	}
	text := string(data)
	switch {
	case strings.HasPrefix(text, programMark):
		return m.builtIn(ctx, p, strings.TrimSpace(strings.TrimPrefix(text, programMark)))
	case strings.HasPrefix(text, "#!"):
		return m.interpret(ctx, p, file, text)
	case strings.ContainsRune(text, 0):
		fmt.Fprintf(p.err, "bash: %s: cannot execute binary file: Exec format error\n", p.args[0])
		return 126
	}
	return m.shell(ctx, p.s, script{text: text, name: file, args: p.args[1:]}, p.stdio)
}

func (m *Machine) builtIn(ctx context.Context, p *proc, name string) int {
	m.mu.Lock()
	run := m.programs[name]
	m.mu.Unlock()
	if run != nil {
		return run(ctx, p)
	}
	if interp.IsBuiltin(name) && p.builtin != nil {
		return exitStatus(p.builtin(append([]string{name}, p.args[1:]...)), name, p.err)
	}
	return p.fail("this program is not part of the embedded guest")
}

// interpret runs a script by its first line.
func (m *Machine) interpret(ctx context.Context, p *proc, file, text string) int {
	line, _, _ := strings.Cut(text[2:], "\n")
	words := strings.Fields(strings.TrimSuffix(line, "\r"))
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = words[1:]
		if words[0] == "-S" && len(words) > 1 {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		words = []string{"/bin/sh"}
	}
	switch path.Base(words[0]) {
	case "sh", "bash", "dash":
		return m.shell(ctx, p.s, script{text: text, name: file, args: p.args[1:], flags: shellFlags(words[1:])}, p.stdio)
	}
	if !strings.HasPrefix(words[0], "/") {
		words[0] = "/usr/bin/" + words[0]
	}
	if _, err := m.disk.Stat(p.s.cred, words[0], true); err != nil {
		fmt.Fprintf(p.err, "bash: %s: %s: bad interpreter: No such file or directory\n", p.args[0], words[0])
		return 126
	}
	next := *p
	next.args = append(append(words, file), p.args[1:]...)
	return m.exec(ctx, &next)
}

func shellFlags(args []string) []string {
	var flags []string
	for _, a := range args {
		if strings.HasPrefix(a, "-") && strings.Trim(a, "-exuvf") == "" && len(a) > 1 {
			flags = append(flags, a)
		}
	}
	return flags
}

// find locates a program; a status other than 0 has been explained.
func (m *Machine) find(p *proc, name string) (string, int) {
	if strings.Contains(name, "/") {
		file := p.path(name)
		info, err := m.disk.Stat(p.s.cred, file, true)
		switch {
		case err != nil:
			fmt.Fprintf(p.err, "bash: %s: %s\n", name, reason(err))
			return "", 127
		case info.IsDir():
			fmt.Fprintf(p.err, "bash: %s: Is a directory\n", name)
			return "", 126
		case m.disk.Access(p.s.cred, file, 1) != nil:
			fmt.Fprintf(p.err, "bash: %s: Permission denied\n", name)
			return "", 126
		}
		return file, 0
	}
	if file := m.lookPath(p, name); file != "" {
		return file, 0
	}
	fmt.Fprintf(p.err, "bash: line 1: %s: command not found\n", name)
	return "", 127
}

// lookPath searches PATH; empty means not found.
func (m *Machine) lookPath(p *proc, name string) string {
	search, ok := p.s.env["PATH"]
	if !ok {
		search = defaultPath
	}
	for dir := range strings.SplitSeq(search, ":") {
		file := path.Join(p.path(dir), name)
		info, err := m.disk.Stat(p.s.cred, file, true)
		if err == nil && !info.IsDir() && m.disk.Access(p.s.cred, file, fs.FileMode(1)) == nil {
			return file
		}
	}
	return ""
}

// run starts another command with this one's place and streams.
func (p *proc) run(ctx context.Context, args ...string) int {
	next := *p
	next.args = args
	if len(args) == 0 {
		return 0
	}
	if interp.IsBuiltin(args[0]) && p.m.lookPath(p, args[0]) == "" {
		return p.m.shell(ctx, p.s, script{text: `"$@"`, name: args[0], args: args}, p.stdio)
	}
	return p.m.exec(ctx, &next)
}
