package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// filesBelow lists the regular files of a tree, named as the tree is.
func (p *proc) filesBelow(root string) []string {
	var names []string
	base := p.path(root)
	err := p.m.disk.Walk(p.s.cred, base, func(name string, info vfs.Info) error {
		if info.Mode().IsRegular() {
			names = append(names, path.Join(root, strings.TrimPrefix(name, base)))
		}
		return nil
	})
	if err != nil {
		p.fail("%s: %s", root, reason(err))
	}
	return names
}

// cmdFind knows -name, -iname, -path, -type, -maxdepth, -mindepth, -empty, -not,
// -delete, -print, -print0 and -exec.
func cmdFind(ctx context.Context, p *proc) int {
	args := p.args[1:]
	var roots []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "!" && args[0] != "(" {
		roots, args = append(roots, args[0]), args[1:]
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	tests, act, err := parseFind(args)
	if err != nil {
		return p.fail("%v", err)
	}
	status := 0
	for _, root := range roots {
		base := p.path(root)
		var hits []string
		err := p.m.disk.Walk(p.s.cred, base, func(name string, info vfs.Info) error {
			rest := strings.Trim(strings.TrimPrefix(name, base), "/")
			depth := 0
			if rest != "" {
				depth = strings.Count(rest, "/") + 1
			}
			shown := root
			if rest != "" {
				shown = strings.TrimSuffix(root, "/") + "/" + rest
			}
			if act.maxDepth >= 0 && depth > act.maxDepth {
				return fs.SkipDir
			}
			if depth < act.minDepth {
				return nil
			}
			for _, test := range tests {
				if !test(shown, info) {
					return nil
				}
			}
			hits = append(hits, shown)
			return nil
		})
		if err != nil {
			status = p.fail("'%s': %s", root, reason(err))
		}
		if s := p.actFind(ctx, act, hits); s != 0 {
			status = s
		}
	}
	return status
}

type findAction struct {
	maxDepth, minDepth int
	delete, print0     bool
	exec               []string
	together           bool
}

func parseFind(args []string) ([]func(string, vfs.Info) bool, findAction, error) {
	act := findAction{maxDepth: -1}
	var tests []func(string, vfs.Info) bool
	negate := false
	add := func(t func(string, vfs.Info) bool) {
		if negate {
			inner := t
			t = func(n string, i vfs.Info) bool { return !inner(n, i) }
			negate = false
		}
		tests = append(tests, t)
	}
	for i := 0; i < len(args); i++ {
		name := args[i]
		value := ""
		if slices.Contains([]string{"-name", "-iname", "-path", "-type", "-maxdepth", "-mindepth", "-user", "-mtime", "-newer"}, name) {
			if i++; i >= len(args) {
				return nil, act, fmt.Errorf("missing argument to `%s'", name)
			}
			value = args[i]
		}
		switch name {
		case "-name", "-iname":
			add(func(n string, _ vfs.Info) bool {
				base := path.Base(n)
				if name == "-iname" {
					base, value = strings.ToLower(base), strings.ToLower(value)
				}
				ok, err := path.Match(value, base)
				return err == nil && ok
			})
		case "-path":
			add(func(n string, _ vfs.Info) bool {
				ok, err := path.Match(value, n)
				return err == nil && ok || strings.HasPrefix(n, strings.TrimSuffix(value, "*"))
			})
		case "-type":
			add(func(_ string, i vfs.Info) bool { return modeText(i.Mode())[:1] == strings.Replace(value, "f", "-", 1) })
		case "-empty":
			add(func(_ string, i vfs.Info) bool { return !i.IsDir() && i.Size() == 0 })
		case "-maxdepth", "-mindepth":
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, act, fmt.Errorf("invalid argument `%s' to `%s'", value, name)
			}
			if name == "-maxdepth" {
				act.maxDepth = n
			} else {
				act.minDepth = n
			}
		case "-not", "!":
			negate = true
		case "-delete":
			act.delete = true
		case "-print0":
			act.print0 = true
		case "-print", "-xdev", "-depth":
		case "-exec":
			end := slices.IndexFunc(args[i:], func(s string) bool { return s == ";" || s == "+" })
			if end < 0 {
				return nil, act, errors.New("missing argument to `-exec'")
			}
			act.exec, act.together = args[i+1:i+end], args[i+end] == "+"
			i += end
		default:
			return nil, act, fmt.Errorf("unknown predicate `%s'", name)
		}
	}
	return tests, act, nil
}

func (p *proc) actFind(ctx context.Context, act findAction, hits []string) int {
	status := 0
	switch {
	case act.delete:
		slices.Reverse(hits)
		for _, name := range hits {
			if err := p.m.disk.Remove(p.s.cred, p.path(name)); err != nil {
				status = p.fail("cannot delete '%s': %s", name, reason(err))
			}
		}
	case act.exec != nil && act.together:
		if len(hits) > 0 {
			return p.run(ctx, append(slices.DeleteFunc(slices.Clone(act.exec), func(s string) bool { return s == "{}" }), hits...)...)
		}
	case act.exec != nil:
		for _, name := range hits {
			args := slices.Clone(act.exec)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "{}", name)
			}
			if s := p.run(ctx, args...); s != 0 {
				status = 1
			}
		}
	default:
		end := "\n"
		if act.print0 {
			end = "\x00"
		}
		for _, name := range hits {
			p.printf("%s%s", name, end)
		}
	}
	return status
}
