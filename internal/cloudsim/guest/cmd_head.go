package guest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

func cmdHead(ctx context.Context, p *proc) int {
	tail := path.Base(p.args[0]) == "tail"
	args := slices.Clone(p.args[1:])
	for i, a := range args {
		if len(a) > 1 && a[0] == '-' && strings.Trim(a[1:], "0123456789") == "" {
			args[i] = "-n" + a[1:]
		}
	}
	o := parse(args, "n c lines bytes")
	names := o.args
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		in, err := p.open(name)
		if err != nil {
			status = p.fail("cannot open '%s' for reading: %s", name, reason(err))
			continue
		}
		if len(names) > 1 && !o.has("q") {
			p.printf("==> %s <==\n", name)
		}
		if err := p.part(o, in, tail); err != nil {
			status = p.fail("%v", err)
		}
	}
	if tail && o.has("f", "F", "follow") {
		<-ctx.Done()
	}
	return status
}

// part prints the beginning or end of an input. The beginning is read no further
// than needed: the input may have no end.
func (p *proc) part(o options, in io.Reader, tail bool) error {
	count := valueOf(o, "10", "n", "lines")
	if c := o.value("c", "bytes"); c != "" {
		n, err := parseSize(strings.TrimPrefix(c, "+"))
		if err != nil {
			return fmt.Errorf("invalid number of bytes: '%s'", c)
		}
		if !tail {
			_, err = io.Copy(p.out, io.LimitReader(in, n))
			return err
		}
		data, err := readAll(in)
		if err != nil {
			return err
		}
		_, err = p.out.Write(data[len(data)-int(min(n, int64(len(data)))):])
		return err
	}
	if n, err := strconv.Atoi(count); err == nil && n >= 0 && !tail {
		lines := bufio.NewReader(in)
		for range n {
			line, err := lines.ReadString('\n')
			p.printf("%s", line)
			if err != nil {
				return nil // the end, or an input that broke: what came was shown
			}
		}
		return nil
	}
	data, err := readAll(in)
	if err != nil {
		return err
	}
	some, err := someLines(slices.Collect(strings.Lines(string(data))), count, tail)
	if err != nil {
		return fmt.Errorf("invalid number of lines: '%s'", count)
	}
	p.printf("%s", strings.Join(some, ""))
	return nil
}

func valueOf(o options, otherwise string, names ...string) string {
	if v := o.value(names...); v != "" {
		return v
	}
	return otherwise
}

func someLines(lines []string, count string, tail bool) ([]string, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(count, "+"))
	if err != nil {
		return nil, err
	}
	switch {
	case tail && strings.HasPrefix(count, "+"):
		return lines[min(max(n-1, 0), len(lines)):], nil
	case tail:
		return lines[max(len(lines)-max(n, -n), 0):], nil
	case n < 0:
		return lines[:max(len(lines)+n, 0)], nil
	}
	return lines[:min(n, len(lines))], nil
}
