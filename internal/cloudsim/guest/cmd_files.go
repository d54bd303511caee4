package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// programTable lists every built-in program. It is made per boot because the
// programs start each other, which a package variable could not express.
func programTable() map[string]program {
	all := map[string]program{}
	for _, family := range []map[string]program{
		filePrograms(), textPrograms(), editPrograms(), systemPrograms(), userPrograms(),
		packagePrograms(), servicePrograms(), netPrograms(), archivePrograms(),
	} {
		maps.Copy(all, family)
	}
	return all
}

func filePrograms() map[string]program {
	return map[string]program{
		"cat": cmdCat, "ls": cmdLs, "cp": cmdCp, "mv": cmdMv, "rm": cmdRm, "mkdir": cmdMkdir, "rmdir": cmdRmdir, "touch": cmdTouch,
		"chmod": cmdChmod, "chown": cmdChown, "chgrp": cmdChown, "ln": cmdLn, "readlink": cmdReadlink, "realpath": cmdReadlink,
		"stat": cmdStat, "du": cmdDu, "df": cmdDf, "install": cmdInstall, "mktemp": cmdMktemp, "truncate": cmdTruncate,
		"tee": cmdTee, "find": cmdFind, "dd": cmdDd, "fallocate": cmdTruncate, "sync": cmdSync,
	}
}

// options are the parsed flags of a command.
type options struct {
	set  map[string]string
	args []string
}

func (o options) has(names ...string) bool {
	for _, n := range names {
		if _, ok := o.set[n]; ok {
			return true
		}
	}
	return false
}

func (o options) value(names ...string) string {
	for _, n := range names {
		if v, ok := o.set[n]; ok {
			return v
		}
	}
	return ""
}

// parse splits arguments in the way of getopt_long. takes lists the flags that
// have a value, e.g. "n lines"; flags may be anything else.
func parse(args []string, takes string) options {
	withValue := strings.Fields(takes)
	o := options{set: map[string]string{}}
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			o.args = append(o.args, args[i+1:]...)
			return o
		case strings.HasPrefix(a, "--"):
			name, value, given := strings.Cut(a[2:], "=")
			if !given && slices.Contains(withValue, name) && i+1 < len(args) {
				i++
				value = args[i]
			}
			o.set[name] = value
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				name := a[j : j+1]
				if !slices.Contains(withValue, name) {
					o.set[name] = ""
					continue
				}
				if o.set[name] = a[j+1:]; a[j+1:] == "" && i+1 < len(args) {
					i++
					o.set[name] = args[i]
				}
				break
			}
		default:
			o.args = append(o.args, a)
		}
	}
	return o
}

func readAll(r io.Reader) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	return io.ReadAll(r)
}

func cmdCat(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	if len(o.args) == 0 {
		o.args = []string{"-"}
	}
	status, line := 0, 0
	for _, name := range o.args {
		if name == "-" && !o.has("n") {
			if _, err := io.Copy(p.out, p.in); err != nil {
				return p.fail("write error: %v", err)
			}
			continue
		}
		data, err := p.read(name)
		if err != nil {
			status = p.fail("%s: %s", name, reason(err))
			continue
		}
		if !o.has("n") {
			_, _ = p.out.Write(data)
			continue
		}
		for text := range strings.Lines(string(data)) {
			line++
			p.printf("%6d\t%s", line, text)
		}
	}
	return status
}

func cmdLs(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	if len(o.args) == 0 {
		o.args = []string{"."}
	}
	slices.Sort(o.args)
	status := 0
	for i, name := range o.args {
		info, err := p.m.disk.Stat(p.s.cred, p.path(name), !o.has("d", "l"))
		if err != nil {
			p.fail("cannot access '%s': %s", name, reason(err))
			status = 2
			continue
		}
		if !info.IsDir() || o.has("d") {
			p.listLine(o, name, info)
			continue
		}
		if len(o.args) > 1 || o.has("R") {
			if i > 0 {
				p.printf("\n")
			}
			p.printf("%s:\n", name)
		}
		if !p.listDir(o, name) {
			status = 2
		}
	}
	return status
}

func (p *proc) listDir(o options, name string) bool {
	list, err := p.m.disk.ReadDir(p.s.cred, p.path(name))
	if err != nil {
		p.fail("cannot open directory '%s': %s", name, reason(err))
		return false
	}
	if o.has("t") {
		slices.SortStableFunc(list, func(a, b vfs.Info) int { return b.ModTime().Compare(a.ModTime()) })
	}
	if o.has("r") {
		slices.Reverse(list)
	}
	if o.has("l") {
		p.printf("total %d\n", 4*len(list))
	}
	if o.has("a") {
		for _, dot := range []string{".", ".."} {
			if info, err := p.m.disk.Stat(p.s.cred, path.Join(p.path(name), dot), true); err == nil {
				p.listLine(o, dot, info)
			}
		}
	}
	for _, info := range list {
		if strings.HasPrefix(info.Name(), ".") && !o.has("a", "A") {
			continue
		}
		p.listLine(o, info.Name(), info)
	}
	ok := true
	for _, info := range list {
		if o.has("R") && info.IsDir() {
			p.printf("\n%s:\n", path.Join(name, info.Name()))
			ok = p.listDir(o, path.Join(name, info.Name())) && ok
		}
	}
	return ok
}

func (p *proc) listLine(o options, name string, info vfs.Info) {
	if !o.has("l") {
		p.printf("%s\n", name)
		return
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		name += " -> " + info.Target()
	}
	p.printf("%s 1 %s %s %d %s %s\n", modeText(info.Mode()), p.m.userName(info.UID()), p.m.groupName(info.GID()), info.Size(), info.ModTime().Format("Jan _2 15:04"), name)
}

// modeText is a mode as ls prints it.
func modeText(mode fs.FileMode) string {
	kind := "-"
	switch {
	case mode.IsDir():
		kind = "d"
	case mode&fs.ModeSymlink != 0:
		kind = "l"
	case mode&fs.ModeCharDevice != 0:
		kind = "c"
	}
	text := []byte(kind + mode.Perm().String()[1:])
	if mode&fs.ModeSetuid != 0 {
		text[3] = 's'
	}
	if mode&fs.ModeSticky != 0 {
		text[9] = 't'
	}
	return string(text)
}

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

func cmdRm(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	force := o.has("f", "force")
	if len(o.args) == 0 && !force {
		return p.fail("missing operand")
	}
	status := 0
	for _, name := range o.args {
		file := p.path(name)
		info, err := p.m.disk.Stat(p.s.cred, file, false)
		switch {
		case errors.Is(err, syscall.ENOENT) && force:
			continue
		case err != nil:
			status = p.fail("cannot remove '%s': %s", name, reason(err))
			continue
		case path.Clean(file) == "/":
			status = p.fail("it is dangerous to operate recursively on '/'")
			continue
		case info.IsDir() && !o.has("r", "R", "recursive", "d"):
			status = p.fail("cannot remove '%s': Is a directory", name)
			continue
		}
		remove := p.m.disk.RemoveAll
		if !o.has("r", "R", "recursive") {
			remove = p.m.disk.Remove
		}
		if err := remove(p.s.cred, file); err != nil {
			status = p.fail("cannot remove '%s': %s", name, reason(err))
		}
		if o.has("v") {
			p.printf("removed '%s'\n", name)
		}
	}
	return status
}

func cmdMkdir(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "m mode")
	if len(o.args) == 0 {
		return p.fail("missing operand")
	}
	status := 0
	for _, name := range o.args {
		make := p.m.disk.Mkdir
		if o.has("p", "parents") {
			make = p.m.disk.MkdirAll
		}
		if err := make(p.s.cred, p.path(name), 0o755); err != nil {
			status = p.fail("cannot create directory '%s': %s", name, reason(err))
			continue
		}
		if mode := o.value("m", "mode"); mode != "" {
			if err := p.chmod(p.path(name), mode); err != nil {
				status = p.fail("%v", err)
			}
		}
	}
	return status
}

func cmdRmdir(_ context.Context, p *proc) int {
	status := 0
	for _, name := range parse(p.args[1:], "").args {
		info, err := p.m.disk.Stat(p.s.cred, p.path(name), false)
		if err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
		if err == nil {
			err = p.m.disk.Remove(p.s.cred, p.path(name))
		}
		if err != nil {
			status = p.fail("failed to remove '%s': %s", name, reason(err))
		}
	}
	return status
}

func cmdTouch(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "d t r date reference")
	at := p.m.clock.Now()
	if d := o.value("d", "date"); d != "" {
		t, err := parseDate(d, at)
		if err != nil {
			return p.fail("invalid date format '%s'", d)
		}
		at = t
	}
	status := 0
	for _, name := range o.args {
		file := p.path(name)
		_, err := p.m.disk.Stat(p.s.cred, file, true)
		switch {
		case err == nil:
			err = p.m.disk.Chtimes(p.s.cred, file, at)
		case o.has("c"):
			err = nil
		default:
			if err = p.m.disk.WriteFile(p.s.cred, file, nil, 0o644); err == nil {
				err = p.m.disk.Chtimes(p.s.cred, file, at)
			}
		}
		if err != nil {
			status = p.fail("cannot touch '%s': %s", name, reason(err))
		}
	}
	return status
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

func cmdStat(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "c format printf")
	format := o.value("c", "format")
	status := 0
	for _, name := range o.args {
		info, err := p.m.disk.Stat(p.s.cred, p.path(name), o.has("L"))
		if err != nil {
			status = p.fail("cannot statx '%s': %s", name, reason(err))
			continue
		}
		text := format
		if text == "" {
			text = "  File: %n\n  Size: %s\tBlocks: 8\tIO Block: 4096 %F\nAccess: (0%a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\nModify: %y"
		}
		kind := "regular file"
		switch {
		case info.IsDir():
			kind = "directory"
		case info.Mode()&fs.ModeSymlink != 0:
			kind = "symbolic link"
		case info.Mode()&fs.ModeDevice != 0:
			kind = "character special file"
		case info.Size() == 0:
			kind = "regular empty file"
		}
		p.printf("%s\n", strings.NewReplacer(
			"%n", name, "%s", fmt.Sprint(info.Size()), "%a", fmt.Sprintf("%o", octal(info.Mode())), "%A", modeText(info.Mode()),
			"%u", fmt.Sprint(info.UID()), "%U", p.m.userName(info.UID()), "%g", fmt.Sprint(info.GID()), "%G", p.m.groupName(info.GID()),
			"%F", kind, "%Y", fmt.Sprint(info.ModTime().Unix()), "%y", info.ModTime().Format("2006-01-02 15:04:05.000000000 -0700"), "%h", "1",
		).Replace(text))
	}
	return status
}

func octal(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if mode&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

func cmdDu(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "d max-depth")
	if len(o.args) == 0 {
		o.args = []string{"."}
	}
	for _, name := range o.args {
		var total int64
		err := p.m.disk.Walk(p.s.cred, p.path(name), func(_ string, info vfs.Info) error {
			total += info.Size()
			return nil
		})
		if err != nil {
			return p.fail("cannot access '%s': %s", name, reason(err))
		}
		size := fmt.Sprint((total + 1023) / 1024)
		if o.has("h") {
			size = fmt.Sprintf("%dK", (total+1023)/1024)
		}
		if o.has("b") {
			size = fmt.Sprint(total)
		}
		p.printf("%s\t%s\n", size, name)
	}
	return 0
}

func cmdDf(_ context.Context, p *proc) int {
	used := p.m.disk.Size()/1024 + 1_480_000
	p.printf("Filesystem     1K-blocks    Used Available Use%% Mounted on\n/dev/vda1       10475520 %7d  %8d  %d%% /\n", used, 10475520-used, used*100/10475520)
	return 0
}
