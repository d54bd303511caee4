package simulation

import (
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/state"
)

// bug is a mistake that is made on purpose, to see that it is found. The zero
// value is none.
type bug struct {
	// In the state.
	acksEarly   bool // an append is acknowledged before it is durable
	noFlush     bool // a crash loses the last appends
	noFence     bool // whoever held the state may still write
	neverRenews bool // the lease runs out under its holder
	entries     func([]state.Entry) []state.Entry
	snapshot    func(*state.Snapshot)

	// In the engine.
	plan    func(*plan.Plan)
	unbound bool // signatures outlive the lease

	// jobsFail is no mistake: jobs that make something fail often, where a mistake
	// needs it to show itself.
	jobsFail bool

	// Between host and plugin.
	wire tamper

	// In the client of the cloud.
	settleMs int64 // how long a call may be on its way, as the client believes
	resends  bool  // a change whose answer is lost is sent again blindly
	answer   func(command string, body map[string]any)
}
