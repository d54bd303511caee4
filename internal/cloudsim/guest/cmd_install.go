package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

func cmdInstall(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "m o g mode owner group t")
	if o.has("d") {
		for _, dir := range o.args {
			if err := p.m.disk.MkdirAll(p.s.cred, p.path(dir), 0o755); err != nil {
				return p.fail("cannot create directory '%s': %s", dir, reason(err))
			}
			if status := p.installMeta(o, p.path(dir)); status != 0 {
				return status
			}
		}
		return 0
	}
	o.args, _ = withTarget(o)
	if len(o.args) < 2 {
		return p.fail("missing destination file operand")
	}
	if o.has("D") {
		if err := p.m.disk.MkdirAll(p.s.cred, path.Dir(p.path(o.args[len(o.args)-1])), 0o755); err != nil {
			return p.fail("%s", fileProblem(err))
		}
	}
	if _, ok := o.set["m"]; !ok {
		o.set["m"] = "755"
	}
	return p.each(o.args, func(from, to string) error {
		data, err := p.read(from)
		if err != nil {
			return err
		}
		if err := p.m.disk.WriteFile(p.s.cred, to, data, 0o755); err != nil {
			return err
		}
		if p.installMeta(o, to) != 0 {
			return fmt.Errorf("cannot set the attributes of '%s'", to)
		}
		return nil
	})
}

func (p *proc) installMeta(o options, file string) int {
	if mode := o.value("m", "mode"); mode != "" {
		if err := p.chmod(file, mode); err != nil {
			return p.fail("%s", fileProblem(err))
		}
	}
	if spec := o.value("o", "owner") + ":" + o.value("g", "group"); spec != ":" {
		uid, gid, err := p.m.owner(strings.TrimSuffix(spec, ":"))
		if err == nil {
			err = p.m.disk.Chown(p.s.cred, file, uid, gid, true)
		}
		if err != nil {
			return p.fail("%s", fileProblem(err))
		}
	}
	return 0
}

func cmdMktemp(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "p suffix tmpdir")
	dir := "/tmp"
	if d := o.value("p", "tmpdir"); d != "" {
		dir = d
	}
	pattern := "tmp.XXXXXXXXXX"
	if len(o.args) > 0 {
		pattern = o.args[0]
		if !o.has("t", "p", "tmpdir") {
			dir = ""
		}
	}
	if !strings.Contains(pattern, "XXX") {
		return p.fail("too few X's in template '%s'", pattern)
	}
	name := path.Join(dir, fillX(pattern)+o.value("suffix"))
	var err error
	if o.has("d") {
		err = p.m.disk.Mkdir(p.s.cred, p.path(name), 0o700)
	} else {
		err = p.m.disk.WriteFile(p.s.cred, p.path(name), nil, 0o600)
	}
	if err != nil {
		return p.fail("failed to create file via template '%s': %s", pattern, reason(err))
	}
	p.printf("%s\n", name)
	return 0
}

func fillX(pattern string) string {
	end := strings.LastIndexByte(pattern, 'X') + 1
	start := end
	for start > 0 && pattern[start-1] == 'X' {
		start--
	}
	letters := newHash("")[3:]
	letters = strings.NewReplacer("/", "a", ".", "b", "$", "c").Replace(letters)
	return pattern[:start] + letters[:end-start] + pattern[end:]
}

func cmdTruncate(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "s size l")
	size, err := parseSize(o.value("s", "size", "l"))
	if err != nil {
		return p.fail("%v", err)
	}
	if size > maxFile {
		return p.fail("failed to truncate: File too large")
	}
	for _, name := range o.args {
		data, err := p.m.disk.ReadFile(p.s.cred, p.path(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p.fail("cannot open '%s': %s", name, reason(err))
		}
		next := make([]byte, size)
		copy(next, data)
		if err := p.m.disk.WriteFile(p.s.cred, p.path(name), next, 0o644); err != nil {
			return p.fail("cannot open '%s' for writing: %s", name, reason(err))
		}
	}
	return 0
}

// maxFile bounds the files that truncate, fallocate and dd make: their bytes
// are held in memory.
const maxFile = 256 << 20

func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "BKMGibkmg")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("invalid number: '%s'", text)
	}
	switch strings.ToUpper(strings.TrimPrefix(text, digits) + " ")[0] {
	case 'K':
		n <<= 10
	case 'M':
		n <<= 20
	case 'G':
		n <<= 30
	}
	return n, nil
}

func cmdTee(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "")
	writers := []io.Writer{p.out}
	status := 0
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if o.has("a", "append") {
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	for _, name := range o.args {
		f, err := p.m.disk.OpenFile(p.s.cred, p.path(name), flag, 0o644)
		if err != nil {
			status = p.fail("%s: %s", name, reason(err))
			continue
		}
		writers = append(writers, f)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), p.in); err != nil {
		return p.fail("%v", err)
	}
	return status
}

func cmdDd(_ context.Context, p *proc) int {
	o := map[string]string{"bs": "512"}
	for _, a := range p.args[1:] {
		if k, v, ok := strings.Cut(a, "="); ok {
			o[k] = v
		}
	}
	block, err := parseSize(o["bs"])
	if err != nil {
		return p.fail("%v", err)
	}
	limit := int64(maxFile)
	if c := o["count"]; c != "" {
		n, err := strconv.ParseInt(c, 10, 64)
		if err != nil {
			return p.fail("invalid number: '%s'", c)
		}
		limit = min(limit, n*block)
	}
	in := p.in
	if o["if"] != "" {
		f, err := p.m.disk.OpenFile(p.s.cred, p.path(o["if"]), os.O_RDONLY, 0)
		if err != nil {
			return p.fail("failed to open '%s': %s", o["if"], reason(err))
		}
		in = f
	}
	out := p.out
	if o["of"] != "" {
		f, err := p.m.disk.OpenFile(p.s.cred, p.path(o["of"]), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return p.fail("failed to open '%s': %s", o["of"], reason(err))
		}
		out = f
	}
	n, err := io.Copy(out, io.LimitReader(in, limit))
	if err != nil {
		return p.fail("%v", err)
	}
	fmt.Fprintf(p.err, "%d bytes copied\n", n)
	return 0
}

func cmdSync(_ context.Context, p *proc) int {
	if err := p.m.disk.Sync(); err != nil {
		return p.fail("%v", err)
	}
	return 0
}

// parseDate reads what -d accepts of the forms in everyday use.
func parseDate(text string, now time.Time) (time.Time, error) {
	if seconds, ok := strings.CutPrefix(text, "@"); ok {
		n, err := strconv.ParseInt(seconds, 10, 64)
		return time.Unix(n, 0).UTC(), err
	}
	if text == "now" {
		return now, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	f := strings.Fields(strings.TrimSuffix(text, " ago"))
	if len(f) == 2 {
		n, err := strconv.Atoi(strings.TrimPrefix(f[0], "+"))
		unit := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}[strings.TrimSuffix(f[1], "s")]
		if err == nil && unit > 0 {
			if strings.HasSuffix(text, " ago") {
				n = -n
			}
			return now.Add(time.Duration(n) * unit), nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid date %q", text)
}
