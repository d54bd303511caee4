package main

import (
	"fmt"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/spec/addr"
)

// limitFlags say what a plan looks at.
type limitFlags struct {
	Target  []string `placeholder:"ADDR" sep:"none" help:"Only this object, block or module, with what it needs; may be given several times."`
	Exclude []string `placeholder:"ADDR" sep:"none" help:"Not this object, block or module, nor what needs it; may be given several times."`
	Refresh bool     `default:"true" negatable:"" help:"Read the objects from the cloud first; --refresh=false trusts the state."`
}

// choiceFlags say what a plan is to do beside what the stack says.
type choiceFlags struct {
	Replace     []string `placeholder:"ADDR" sep:"none" help:"Replace this object whatever the stack says; may be given several times."`
	RefreshOnly bool     `help:"Only write down what differs in the cloud; change nothing there."`
}

// options turns the flags into what the engine is asked for.
func (f limitFlags) options(c choiceFlags, destroy, acceptMissing bool) (core.PlanOptions, error) {
	o := core.PlanOptions{Destroy: destroy, SkipRefresh: !f.Refresh, RefreshOnly: c.RefreshOnly, AcceptMissing: acceptMissing}
	switch {
	case c.RefreshOnly && !f.Refresh:
		return o, fmt.Errorf("--refresh-only and --refresh=false contradict each other")
	case c.RefreshOnly && destroy:
		return o, fmt.Errorf("--refresh-only and --destroy contradict each other")
	case c.RefreshOnly && len(c.Replace) > 0:
		return o, fmt.Errorf("--refresh-only changes nothing in the cloud, so --replace is not possible with it")
	case destroy && len(c.Replace) > 0:
		return o, fmt.Errorf("--replace and --destroy contradict each other")
	}
	for _, part := range []struct {
		flag string
		text []string
		into *[]addr.Target
	}{{"--target", f.Target, &o.Limits.Targets}, {"--exclude", f.Exclude, &o.Limits.Excludes}, {"--replace", c.Replace, &o.Replace}} {
		for _, text := range part.text {
			t, err := addr.ParseTarget(text)
			if err != nil {
				return o, fmt.Errorf("%s %s: %w", part.flag, text, err)
			}
			*part.into = append(*part.into, t)
		}
	}
	return o, nil
}
