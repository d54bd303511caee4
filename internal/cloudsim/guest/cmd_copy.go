package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

func cmdCp(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "t target-directory S")
	o.args, _ = withTarget(o)
	if len(o.args) < 2 {
		return p.fail("missing file operand")
	}
	return p.each(o.args, func(from, to string) error {
		info, err := p.m.disk.Stat(p.s.cred, from, true)
		if err != nil {
			return fmt.Errorf("cannot stat '%s': %s", from, reason(err))
		}
		if info.IsDir() && !o.has("r", "R", "a", "recursive") {
			return fmt.Errorf("-r not specified; omitting directory '%s'", from)
		}
		if _, err := p.m.disk.Stat(p.s.cred, to, true); err == nil && o.has("n") {
			return nil
		}
		if o.has("b", "backup") {
			if err := p.m.disk.Copy(p.s.cred, to, to+"~", true); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return p.copyTree(from, to, o.has("a", "p", "preserve"))
	})
}

// withTarget turns "-t dir a b" into "a b dir".
func withTarget(o options) ([]string, bool) {
	if dir := o.value("t", "target-directory"); dir != "" {
		return append(o.args, dir), true
	}
	return o.args, false
}

// copyTree merges a directory into an existing one, as cp -r does.
func (p *proc) copyTree(from, to string, keep bool) error {
	src, err := p.m.disk.Stat(p.s.cred, from, true)
	if err != nil {
		return err
	}
	dst, err := p.m.disk.Stat(p.s.cred, to, true)
	if !src.IsDir() || err != nil || !dst.IsDir() {
		return p.m.disk.Copy(p.s.cred, from, to, keep)
	}
	list, err := p.m.disk.ReadDir(p.s.cred, from)
	if err != nil {
		return err
	}
	for _, kid := range list {
		if err := p.copyTree(path.Join(from, kid.Name()), path.Join(to, kid.Name()), keep); err != nil {
			return err
		}
	}
	return nil
}

// each applies do to every source and its destination; the last argument is a
// directory or, for one source, the new name.
func (p *proc) each(args []string, do func(from, to string) error) int {
	last := args[len(args)-1]
	target := p.path(last)
	info, err := p.m.disk.Stat(p.s.cred, target, true)
	isDir := err == nil && info.IsDir()
	if !isDir && (len(args) > 2 || strings.HasSuffix(last, "/")) {
		return p.fail("target '%s': No such file or directory", last)
	}
	status := 0
	for _, from := range args[:len(args)-1] {
		to := target
		if isDir {
			to = path.Join(target, path.Base(from))
			if strings.HasSuffix(from, "/.") || from == "." {
				to = target
			}
		}
		if err := do(p.path(from), to); err != nil {
			status = p.fail("%s", fileProblem(err))
		}
	}
	return status
}

// fileProblem words an error with its path as GNU does.
func fileProblem(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Sprintf("cannot access '%s': %s", at.Path, reason(err))
	}
	return err.Error()
}

func cmdMv(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "t target-directory")
	o.args, _ = withTarget(o)
	if len(o.args) < 2 {
		return p.fail("missing file operand")
	}
	return p.each(o.args, func(from, to string) error {
		if _, err := p.m.disk.Stat(p.s.cred, to, true); err == nil && o.has("n") {
			return nil
		}
		if err := p.m.disk.Rename(p.s.cred, from, to); err != nil {
			return fmt.Errorf("cannot move '%s' to '%s': %s", from, to, reason(err))
		}
		return nil
	})
}

func cmdLn(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	switch len(o.args) {
	case 0:
		return p.fail("missing file operand")
	case 1:
		o.args = append(o.args, path.Base(o.args[0]))
	}
	target, name := o.args[0], p.path(o.args[1])
	if info, err := p.m.disk.Stat(p.s.cred, name, !o.has("n", "T")); err == nil && info.IsDir() {
		name = path.Join(name, path.Base(target))
	}
	if o.has("f") {
		if err := p.m.disk.Remove(p.s.cred, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p.fail("cannot remove '%s': %s", name, reason(err))
		}
	}
	var err error
	if o.has("s", "symbolic") {
		err = p.m.disk.Symlink(p.s.cred, target, name)
	} else {
		// Hard links of this file system are copies that share their bytes
		// until one is changed.
		err = p.m.disk.Copy(p.s.cred, p.path(target), name, true)
	}
	if err != nil {
		return p.fail("failed to create link '%s': %s", o.args[1], reason(err))
	}
	return 0
}

func cmdReadlink(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	status := 0
	for _, name := range o.args {
		var target string
		var err error
		if o.has("f", "e", "m") || path.Base(p.args[0]) == "realpath" {
			target, err = p.m.disk.Real(p.s.cred, p.path(name))
		} else {
			target, err = p.m.disk.Readlink(p.s.cred, p.path(name))
		}
		if err != nil {
			status = 1
			continue
		}
		p.printf("%s\n", target)
	}
	return status
}
