package guest

import (
	"context"
	"path"
	"strings"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// The interpreter has a few builtins and expansions that would ask the host.
// They are caught here: in the text before it runs, and at each call.

// sourceMark marks a path that the source builtin opens. No file can be named so.
const sourceMark = "\x00source\x00"

// hostBuiltins are builtins that would look at the host, or that the
// interpreter lacks; the guest has programs of the same names for them.
const hostBuiltins = " pwd type kill umask ulimit jobs hash "

// call rewrites a command before it runs.
func (in *interpreter) call(ctx context.Context, args []string) ([]string, error) {
	at := 0
	for at < len(args)-1 && (args[at] == "command" || args[at] == "builtin") && !strings.HasPrefix(args[at+1], "-") {
		at++
	}
	name, rest := args[at], args[at+1:]
	before := args[:at:at]
	switch {
	case name == "pwd" && (len(rest) == 0 || rest[0] == "-L"):
		return args, nil
	case name == "hash" || name == "umask" && len(rest) > 0:
		return []string{"true"}, nil
	case strings.Contains(hostBuiltins, " "+name+" "), name == "command" && len(rest) > 0:
		return append([]string{"/usr/bin/" + name}, rest...), nil
	case name == "eval":
		return append(before, "eval", guardText(strings.Join(rest, " "), in.m)), nil
	case name == "trap" && len(rest) > 1 && !strings.HasPrefix(rest[0], "-"):
		return append(append(before, "trap", guardText(rest[0], in.m)), rest[1:]...), nil
	case (name == "source" || name == ".") && len(rest) > 0:
		file := in.findScript(interp.HandlerCtx(ctx), rest[0])
		return append(append(before, name, sourceMark+file), rest[1:]...), nil
	}
	return args, nil
}

// findScript looks for a sourced file as bash does: PATH, then here.
func (in *interpreter) findScript(hc interp.HandlerContext, name string) string {
	if !strings.Contains(name, "/") {
		for dir := range strings.SplitSeq(hc.Env.Get("PATH").Str, ":") {
			file := path.Join(absolute(hc.Dir, dir), name)
			if info, err := in.m.disk.Stat(in.s.cred, file, true); err == nil && !info.IsDir() {
				return file
			}
		}
	}
	return absolute(hc.Dir, name)
}

// guard replaces "~user" in a program by the guest's home directories, because
// a background job would look the user up on the host.
func guard(node syntax.Node, m *Machine) {
	syntax.Walk(node, func(n syntax.Node) bool {
		if word, ok := n.(*syntax.Word); ok && len(word.Parts) > 0 {
			if lit, ok := word.Parts[0].(*syntax.Lit); ok {
				lit.Value = expandTilde(lit.Value, m)
			}
		}
		return true
	})
}

func expandTilde(value string, m *Machine) string {
	if len(value) < 2 || value[0] != '~' || value[1] == '/' {
		return value
	}
	user, rest, slash := strings.Cut(value[1:], "/")
	if slash {
		rest = "/" + rest
	}
	if user == "+" || user == "-" {
		return value
	}
	a, err := m.userNamed(user)
	if err != nil {
		return `\` + value
	}
	return a.home + rest
}

// guardText is guard for text that the interpreter will parse itself. What does
// not parse stays as it is and fails there.
func guardText(program string, m *Machine) string {
	if !strings.Contains(program, "~") {
		return program
	}
	file, err := syntax.NewParser(syntax.KeepComments(true)).Parse(strings.NewReader(program), "")
	if err != nil {
		return program
	}
	guard(file, m)
	var out strings.Builder
	if err := syntax.NewPrinter().Print(&out, file); err != nil {
		return program
	}
	return out.String()
}

// usesProcessSubstitution finds what would need a named pipe of the host.
func usesProcessSubstitution(node syntax.Node) bool {
	found := false
	syntax.Walk(node, func(n syntax.Node) bool {
		if _, ok := n.(*syntax.ProcSubst); ok {
			found = true
		}
		return !found
	})
	return found
}
