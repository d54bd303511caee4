package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// defaultPath is where programs are looked for.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

// session is a login: who acts, where, with which environment.
type session struct {
	user account
	cred vfs.Cred
	dir  string
	env  map[string]string
}

// login makes the session of a user.
func (m *Machine) login(user account) session {
	return session{
		user: user,
		cred: m.credOf(user),
		dir:  user.home,
		env: map[string]string{
			"HOME": user.home, "USER": user.name, "LOGNAME": user.name, "SHELL": "/bin/bash", "PATH": defaultPath,
			"LANG": "en_US.UTF-8", "HOSTNAME": m.hostname(),
		},
	}
}

// stdio is what a command reads and writes. A nil in is empty.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// script is text for the shell.
type script struct {
	text  string
	name  string   // $0
	args  []string // $1…
	flags []string // as of set, e.g. -e
}

// shell runs a script and returns its exit status.
func (m *Machine) shell(ctx context.Context, s session, sc script, io stdio) (status int) {
	file, err := syntax.NewParser().Parse(strings.NewReader(sc.text), sc.name)
	if err != nil {
		fmt.Fprintf(io.err, "%s: %v\n", sc.name, err)
		return 2
	}
	if usesProcessSubstitution(file) {
		fmt.Fprintf(io.err, "%s: process substitution <( ) is not part of the embedded guest; use a pipe or a file\n", sc.name)
		return 2
	}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(io.err, "%s: the shell stopped: %v\n", sc.name, r)
			status = 134
		}
	}()
	run, err := m.runner(s, sc, io)
	if err != nil {
		fmt.Fprintf(io.err, "%s: %v\n", sc.name, err)
		return 2
	}
	guard(file, m)
	return exitStatus(run.Run(ctx, file), sc.name, io.err)
}

// exitStatus turns what the interpreter returns into a status.
func exitStatus(err error, name string, to io.Writer) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return 130
	}
	fmt.Fprintf(to, "%s: %v\n", name, err)
	return 1
}

// runner prepares an interpreter in which every way out leads into the guest.
func (m *Machine) runner(s session, sc script, io stdio) (*interp.Runner, error) {
	dir := s.dir
	if info, err := m.disk.Stat(s.cred, dir, true); err != nil || !info.IsDir() {
		dir = "/"
	}
	in := &interpreter{m: m, s: s}
	run, err := interp.New(
		interp.Env(&environ{m: m, vars: s.env}),
		// interp.Dir would ask the host about the directory.
		func(r *interp.Runner) error { r.Dir = dir; return nil },
		interp.StdIO(io.in, io.out, io.err),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return in.exec }),
		interp.CallHandler(in.call),
		interp.OpenHandler(in.open),
		interp.ReadDirHandler2(in.readDir),
		interp.StatHandler(in.stat),
		interp.AccessHandler(in.access),
		interp.Params(append(append(append([]string{}, sc.flags...), "--"), sc.args...)...),
	)
	if err != nil {
		return nil, err
	}
	// See environ.Get: the interpreter has read it now, scripts must not.
	prelude, err := syntax.NewParser().Parse(strings.NewReader("unset TMPDIR"), sc.name)
	if err != nil {
		return nil, err
	}
	if err := run.Run(context.Background(), prelude); err != nil {
		return nil, err
	}
	return run, nil
}

// environ is the first environment of a shell. Its answers keep the interpreter
// from asking the host for a home directory, an id or a place for named pipes.
type environ struct {
	m    *Machine
	vars map[string]string
}

// Get implements expand.Environ.
func (e *environ) Get(name string) expand.Variable {
	if user, ok := strings.CutPrefix(name, "HOME "); ok {
		// "~user"; an unknown user must not be looked up on the host.
		if a, err := e.m.userNamed(user); err == nil {
			return text(a.home)
		}
		return text("~" + user)
	}
	switch name {
	case "TMPDIR":
		// Process substitution makes a named pipe there. No file of the host
		// can have this name, so it always fails.
		return text("/\x00")
	case "UID", "EUID", "GID":
		return text(e.vars[name])
	}
	if v, ok := e.vars[name]; ok {
		return text(v)
	}
	return expand.Variable{}
}

// Each implements expand.Environ.
func (e *environ) Each(visit func(string, expand.Variable) bool) {
	for name, v := range e.vars {
		if !visit(name, text(v)) {
			return
		}
	}
}

func text(v string) expand.Variable {
	return expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: v}
}

// interpreter holds the handlers of one shell.
type interpreter struct {
	m *Machine
	s session
}

func absolute(dir, name string) string {
	if !strings.HasPrefix(name, "/") {
		name = path.Join(dir, name)
	}
	return name
}

// open serves redirections and the source builtin.
func (in *interpreter) open(ctx context.Context, name string, flag int, perm fs.FileMode) (io.ReadWriteCloser, error) {
	if text, ok := strings.CutPrefix(name, sourceMark); ok {
		data, err := in.m.disk.ReadFile(in.s.cred, text)
		if err != nil {
			return nil, shellError(err, text)
		}
		return readOnly{strings.NewReader(guardText(string(data), in.m))}, nil
	}
	dir := interp.HandlerCtx(ctx).Dir
	if name == "/dev/stdin" || name == "/dev/stdout" || name == "/dev/stderr" {
		hc := interp.HandlerCtx(ctx)
		return stdFile{map[string]io.Writer{"/dev/stdout": hc.Stdout, "/dev/stderr": hc.Stderr}[name], hc.Stdin}, nil
	}
	f, err := in.m.disk.OpenFile(in.s.cred, absolute(dir, name), flag, perm)
	if err != nil {
		return nil, shellError(err, name)
	}
	return f, nil
}

// shellError is what bash prints about a file, as the type the interpreter
// prints and survives.
func shellError(err error, name string) error {
	return &fs.PathError{Op: "bash:", Path: name, Err: errors.New(reason(err))}
}

type readOnly struct{ io.Reader }

func (readOnly) Write([]byte) (int, error) { return 0, syscall.EBADF }
func (readOnly) Close() error              { return nil }

type stdFile struct {
	io.Writer
	in io.Reader
}

func (f stdFile) Read(p []byte) (int, error) {
	if f.in == nil {
		return 0, io.EOF
	}
	return f.in.Read(p)
}

func (f stdFile) Write(p []byte) (int, error) {
	if f.Writer == nil {
		return 0, syscall.EBADF
	}
	return f.Writer.Write(p)
}

func (stdFile) Close() error { return nil }

func (in *interpreter) readDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	list, err := in.m.disk.ReadDir(in.s.cred, absolute(interp.HandlerCtx(ctx).Dir, name))
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, len(list))
	for i := range list {
		entries[i] = list[i]
	}
	return entries, nil
}

func (in *interpreter) stat(ctx context.Context, name string, follow bool) (fs.FileInfo, error) {
	info, err := in.m.disk.Stat(in.s.cred, absolute(interp.HandlerCtx(ctx).Dir, name), follow)
	if err != nil {
		return nil, err
	}
	return info, nil
}

func (in *interpreter) access(ctx context.Context, name string, mode interp.AccessMode) error {
	return in.m.disk.Access(in.s.cred, absolute(interp.HandlerCtx(ctx).Dir, name), fs.FileMode(mode))
}

// exec runs what is neither function nor builtin.
func (in *interpreter) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	p := &proc{
		m: in.m, s: in.s, args: args,
		stdio:   stdio{in: hc.Stdin, out: hc.Stdout, err: hc.Stderr},
		builtin: func(args []string) error { return hc.Builtin(ctx, args) },
	}
	p.s.dir = hc.Dir
	p.s.env = map[string]string{}
	for name, v := range hc.Env.Each {
		switch {
		case !v.IsSet():
			delete(p.s.env, name)
		case v.Exported && v.Kind == expand.String && name != "TMPDIR":
			p.s.env[name] = v.Str
		}
	}
	if f, ok := hc.Stdin.(*os.File); ok && f == nil {
		p.in = nil
	}
	if p.in == nil {
		p.in = strings.NewReader("")
	}
	if status := in.m.exec(ctx, p); status != 0 {
		return interp.ExitStatus(uint8(status))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// reason is the text GNU programs print for an error of a file.
func reason(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	s := errno.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}
