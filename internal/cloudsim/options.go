package cloudsim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
)

// Check finds what is wrong with options before a cloud is started with them.
func (o Options) Check() error {
	table, err := apitable.Load()
	if err != nil {
		return err
	}
	return withDefaults(o).check(table)
}

func (o Options) check(table apitable.Table) error {
	if !slices.Contains([]Latency{LatencyZero, LatencyFast, LatencyReal}, o.Latency) {
		return fmt.Errorf("latency %q: want zero, fast or real", o.Latency)
	}
	if !slices.Contains([]Flavor{FlavorCloudStack, FlavorMold, FlavorBoth}, o.Flavor) {
		return fmt.Errorf("flavor %q: want cloudstack, mold or both", o.Flavor)
	}
	if !slices.Contains([]Fidelity{FidelityStrict, FidelityIdeal}, o.Fidelity) {
		return fmt.Errorf("fidelity %q: want strict or ideal", o.Fidelity)
	}
	if o.Throttle < 0 || o.TimeScale < 0 || !(o.TimeScale <= maxScale) {
		return fmt.Errorf("throttle %d, time scale %g: want 0 or more, and a scale up to %d", o.Throttle, o.TimeScale, maxScale)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Latencies)) {
		if command := table[name]; command == nil || !command.Async {
			return fmt.Errorf("latency of %q: there is no asynchronous command of that name", name)
		}
		if o.Latencies[name] < 0 {
			return fmt.Errorf("latency of %s: %s is less than nothing", name, o.Latencies[name])
		}
	}
	return nil
}

// maxScale is how many times faster than real time a clock may run; beyond it the years go by in seconds.
const maxScale = 1_000_000
