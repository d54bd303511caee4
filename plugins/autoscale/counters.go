package autoscale

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// shortNames are our names of the built-in counters, by the value that is the same on every installation.
var shortNames = map[string]string{
	"cpu":         "vm.cpu.average.percentage",
	"memory":      "vm.memory.average.percentage",
	"received":    "public.network.received.average.mbps",
	"transmitted": "public.network.transmit.average.mbps",
	"connections": "virtual.network.lb.average.connections",
}

// counters are those of one load balancer provider: a counter of another one is accepted by the cloud and never measured.
type counters struct {
	provider string
	list     []cloudstack.Object
}

func listCounters(ctx context.Context, cloud *cloudstack.Client, provider string) (*counters, error) {
	all, err := cloud.List(ctx, "listCounters", nil, "counter")
	if err != nil {
		return nil, fmt.Errorf("list the counters: %w", err)
	}
	c := &counters{provider: provider}
	for _, o := range all {
		if p := o.Str("provider"); p == "" || strings.EqualFold(p, provider) {
			c.list = append(c.list, o)
		}
	}
	return c, nil
}

// find is the counter of a short name, name, value or id.
func (c *counters) find(text string) (cloudstack.Object, error) {
	value := text
	if long, ok := shortNames[strings.ToLower(text)]; ok {
		value = long
	}
	for _, o := range c.list {
		if o.ID() == text || o.Str("value") == value || o.Str("name") == text {
			return o, nil
		}
	}
	var names []string
	for short, long := range shortNames {
		if slices.ContainsFunc(c.list, func(o cloudstack.Object) bool { return o.Str("value") == long }) {
			names = append(names, short)
		}
	}
	slices.Sort(names)
	return nil, fmt.Errorf("there is no counter %q for the load balancer provider %s; there are: %s", text, c.provider, strings.Join(names, ", "))
}

// shortName is how a counter is written in a spec.
func shortName(counter cloudstack.Object) string {
	for short, long := range shortNames {
		if counter.Str("value") == long {
			return short
		}
	}
	return counter.Str("name")
}
