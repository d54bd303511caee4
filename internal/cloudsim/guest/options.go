package guest

import (
	"slices"
	"strings"
)

// options are the parsed flags of a command.
type options struct {
	set  map[string]string
	args []string
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
