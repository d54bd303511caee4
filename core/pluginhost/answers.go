package pluginhost

import (
	"fmt"

	"github.com/moldctl/moldctl/sdk/wire"
)

// answeredAll checks that each object was answered for once: one that is left
// out would pass for unchanged, and of two answers one is wrong.
func answeredAll(in *wire.ReadRequest, replies []*wire.ReadReply) error {
	open := make(map[string]int, len(in.GetItems()))
	for _, item := range in.GetItems() {
		open[item.GetRef()]++
	}
	for _, r := range replies {
		left, asked := open[r.GetRef()]
		switch {
		case !asked:
			return fmt.Errorf("it answered for %q, which it was not asked to read", r.GetRef())
		case left == 0:
			return fmt.Errorf("it answered twice for %q", r.GetRef())
		}
		open[r.GetRef()]--
	}
	for _, item := range in.GetItems() {
		if open[item.GetRef()] > 0 {
			return fmt.Errorf("it read %d of %d objects, and did not answer for %q", len(replies), len(in.GetItems()), item.GetRef())
		}
	}
	return nil
}

// settledAll checks that each call was judged once, under its own key.
func settledAll(in *wire.SettleRequest, reply *wire.SettleReply) error {
	open := make(map[string]int, len(in.GetCalls()))
	for _, c := range in.GetCalls() {
		open[c.GetKey()]++
	}
	for _, c := range reply.GetCalls() {
		left, asked := open[c.GetKey()]
		switch {
		case !asked:
			return fmt.Errorf("it judged a call %q, which it was not asked about", c.GetKey())
		case left == 0:
			return fmt.Errorf("it judged the call %q twice", c.GetKey())
		}
		open[c.GetKey()]--
	}
	if len(reply.GetDiagnostics()) > 0 {
		return nil // it says why
	}
	for _, c := range in.GetCalls() {
		if open[c.GetKey()] > 0 {
			return fmt.Errorf("it did not say what became of the call %q", c.GetKey())
		}
	}
	return nil
}
