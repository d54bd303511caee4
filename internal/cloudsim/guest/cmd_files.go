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

// errTooMuch is a command that would have to hold more than maxFile in memory.
var errTooMuch = errors.New("memory exhausted")

// readAll reads an input to its end, which must come: "yes | sort" has none.
func readAll(r io.Reader) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errTooMuch
	}
	return data, err
}

func cmdCat(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	if len(o.args) == 0 {
		o.args = []string{"-"}
	}
	status, line := 0, 0
	for _, name := range o.args {
		in, err := p.open(name)
		if err != nil {
			status = p.fail("%s: %s", name, reason(err))
			continue
		}
		if !o.has("n") {
			if _, err := io.Copy(p.out, in); err != nil {
				return p.fail("write error: %s", reason(err))
			}
			continue
		}
		data, err := readAll(in)
		if err != nil {
			status = p.fail("%s: %v", name, err)
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
