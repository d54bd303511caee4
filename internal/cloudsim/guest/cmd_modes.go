package guest

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func cmdChmod(_ context.Context, p *proc) int {
	// A symbolic mode such as -x looks like a flag.
	var o options
	o.set = map[string]string{}
	for _, a := range p.args[1:] {
		switch a {
		case "-R", "--recursive":
			o.set["R"] = ""
		case "-f", "-v", "-c", "--":
		default:
			o.args = append(o.args, a)
		}
	}
	if len(o.args) < 2 {
		return p.fail("missing operand")
	}
	return p.changeEach(o, func(file string) error { return p.chmod(file, o.args[0]) })
}

// changeEach applies a change to the operands behind the first, and below them
// when -R is set.
func (p *proc) changeEach(o options, change func(file string) error) int {
	status := 0
	for _, name := range o.args[1:] {
		var err error
		if o.has("R", "recursive") {
			err = p.m.disk.Walk(p.s.cred, p.path(name), func(file string, info vfs.Info) error {
				if info.Mode()&fs.ModeSymlink != 0 {
					return nil
				}
				return change(file)
			})
		} else {
			err = change(p.path(name))
		}
		if err != nil {
			status = p.fail("%s", fileProblem(err))
		}
	}
	return status
}

func (p *proc) chmod(file, text string) error {
	info, err := p.m.disk.Stat(p.s.cred, file, true)
	if err != nil {
		return err
	}
	mode, err := applyMode(info.Mode(), text)
	if err != nil {
		return err
	}
	return p.m.disk.Chmod(p.s.cred, file, mode)
}

// applyMode changes a mode by an octal or symbolic text.
func applyMode(mode fs.FileMode, text string) (fs.FileMode, error) {
	if bits, err := strconv.ParseUint(text, 8, 16); err == nil {
		return unixMode(uint32(bits)), nil
	}
	for clause := range strings.SplitSeq(text, ",") {
		i := strings.IndexAny(clause, "+-=")
		if i < 0 {
			return 0, fmt.Errorf("invalid mode: '%s'", text)
		}
		who := clause[:i]
		if who == "" || who == "a" {
			who = "ugo"
		}
		var bits fs.FileMode
		for _, c := range clause[i+1:] {
			switch c {
			case 'r':
				bits |= 4
			case 'w':
				bits |= 2
			case 'x':
				bits |= 1
			case 'X':
				if mode.IsDir() || mode.Perm()&0o111 != 0 {
					bits |= 1
				}
			case 's', 't':
			default:
				return 0, fmt.Errorf("invalid mode: '%s'", text)
			}
		}
		for _, w := range who {
			shift := strings.IndexRune("ogu", w) * 3
			if shift < 0 {
				return 0, fmt.Errorf("invalid mode: '%s'", text)
			}
			switch clause[i] {
			case '+':
				mode |= bits << shift
			case '-':
				mode &^= bits << shift
			default:
				mode = mode&^(7<<shift) | bits<<shift
			}
		}
	}
	return mode, nil
}

// unixMode translates the bits of chmod.
func unixMode(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	if bits&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if bits&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	if bits&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

func cmdChown(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	if len(o.args) < 2 {
		return p.fail("missing operand")
	}
	spec := o.args[0]
	if path.Base(p.args[0]) == "chgrp" {
		spec = ":" + spec
	}
	uid, gid, err := p.m.owner(spec)
	if err != nil {
		return p.fail("%v", err)
	}
	return p.changeEach(o, func(file string) error {
		return p.m.disk.Chown(p.s.cred, file, uid, gid, !o.has("h"))
	})
}

// owner reads "user:group", "user", ":group" or "user:" (its own group).
func (m *Machine) owner(spec string) (uid, gid int, err error) {
	uid, gid = -1, -1
	user, grp, both := strings.Cut(strings.Replace(spec, ".", ":", 1), ":")
	if user != "" {
		a, err := m.userNamed(user)
		if err != nil {
			n, numErr := strconv.Atoi(user)
			if numErr != nil {
				return 0, 0, fmt.Errorf("invalid user: '%s'", spec)
			}
			a = account{uid: n, gid: n}
		}
		uid = a.uid
		if both && grp == "" {
			gid = a.gid
		}
	}
	if grp != "" {
		g, err := m.groupNamed(grp)
		if err != nil {
			n, numErr := strconv.Atoi(grp)
			if numErr != nil {
				return 0, 0, fmt.Errorf("invalid group: '%s'", spec)
			}
			g.gid = n
		}
		gid = g.gid
	}
	return uid, gid, nil
}
