package guest

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

func cmdXargs(ctx context.Context, p *proc) int {
	// Flags end at the first operand: what follows belongs to the command.
	args := p.args[1:]
	o := options{set: map[string]string{}}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		f := args[0][1:]
		args = args[1:]
		if strings.ContainsAny(f[:1], "nIPLd") {
			if f[1:] != "" {
				o.set[f[:1]] = f[1:]
			} else if len(args) > 0 {
				o.set[f], args = args[0], args[1:]
			}
			continue
		}
		for _, c := range f {
			o.set[string(c)] = ""
		}
	}
	if len(args) == 0 {
		args = []string{"echo"}
	}
	data, err := readAll(p.in)
	if err != nil {
		return p.fail("%v", err)
	}
	var items []string
	switch {
	case o.has("0"):
		items = slices.DeleteFunc(strings.Split(string(data), "\x00"), func(s string) bool { return s == "" })
	case o.has("I"), o.value("d") == `\n`:
		items = input{data: data}.lines()
	default:
		items = strings.Fields(string(data))
	}
	if len(items) == 0 && o.has("r") {
		return 0
	}
	return p.runItems(ctx, o, args, items)
}

func (p *proc) runItems(ctx context.Context, o options, args, items []string) int {
	size := max(len(items), 1)
	if n, err := strconv.Atoi(o.value("n", "L")); err == nil && n > 0 {
		size = n
	}
	if o.has("I") {
		size = 1
	}
	status := 0
	p.in = strings.NewReader("")
	for start := 0; start < max(len(items), 1); start += size {
		part := items[min(start, len(items)):min(start+size, len(items))]
		next := append(slices.Clone(args), part...)
		if mark := o.value("I"); mark != "" {
			if len(part) == 0 {
				break
			}
			next = slices.Clone(args)
			for i := range next {
				next[i] = strings.ReplaceAll(next[i], mark, part[0])
			}
		}
		if s := p.run(ctx, next...); s != 0 {
			status = 123
		}
	}
	return status
}
