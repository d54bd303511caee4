package autoscale

import "time"

// State of a group as far as the monitor cares.
type State string

// States between which the monitor moves a group; all others leave it alone.
const (
	Enabled State = "ENABLED"
	Scaling State = "SCALING"
)

// Action of a policy.
type Action string

// The two actions.
const (
	ScaleUp   Action = "SCALEUP"
	ScaleDown Action = "SCALEDOWN"
)

// Group is what the monitor needs to know of an autoscale group.
type Group struct {
	ID       string
	State    State
	Min, Max int
	Interval time.Duration
	Grace    time.Duration // slept between detaching and destroying a machine
	Memory   int           // MiB a machine of the profile's present offering has
	Policies []Policy      // scale-up policies first
}

// Policy acts when all its conditions hold over its duration.
type Policy struct {
	ID         string
	Action     Action
	Duration   time.Duration
	Quiet      time.Duration
	LastRest   time.Time // when it last acted, as recorded by Groups.Rest
	Conditions []Condition
}

// Condition compares the average of a counter with a threshold.
type Condition struct {
	Counter   Counter
	Operator  string // EQ, GT, LT, GE, LE
	Threshold int64
}

func (c Condition) holds(value float64) bool {
	threshold := float64(c.Threshold)
	switch c.Operator {
	case "EQ":
		return value == threshold
	case "GT":
		return value > threshold
	case "LT":
		return value < threshold
	case "GE":
		return value >= threshold
	case "LE":
		return value <= threshold
	}
	return false
}

// Counter is a quantity that can be measured.
type Counter struct {
	ID     string
	Source string // CPU, MEMORY, VIRTUALROUTER
	Value  string // which quantity of the router
	// Measured is false for counters of a provider the network does not have: they are accepted, and never
	// have a value.
	Measured bool
}

// The quantities of a router, as counters name them.
const (
	RouterReceived    = "public.network.received.average.mbps"
	RouterSent        = "public.network.transmit.average.mbps"
	RouterConnections = "virtual.network.lb.average.connections"
)

// Member is one machine of a group.
type Member struct {
	ID        string
	State     string  // as the API names it: Running, Starting, …
	Measured  bool    // load is known; else the policies that ask for it rest
	CPU       float64 // per cent
	MemoryMiB float64 // used
}

// available tells whether a machine counts as a member.
func (m Member) available() bool {
	switch m.State {
	case "Starting", "Running", "Stopping", "Migrating":
		return true
	}
	return false
}

// Traffic is what the router in front of a group counted since it started, and now.
type Traffic struct {
	Received, Sent int64 // bytes
	Connections    int   // per member that is up
	HasConnections bool
}
