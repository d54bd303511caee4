package cloudtest

import (
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim"
)

// Kind is what a fault does.
type Kind string

// The kinds of fault.
const (
	Reset   Kind = "reset"    // the connection is reset
	Refuse  Kind = "refuse"   // the connection is closed without an answer
	Status  Kind = "status"   // an HTTP status instead of an answer
	Delay   Kind = "delay"    // the answer comes late
	Hold    Kind = "hold"     // the call waits until Release
	JobFail Kind = "job_fail" // the call's job fails
	JobHang Kind = "job_hang" // the call's job never ends
)

// Fault is a mishap on demand. It strikes calls of Command ("" for every command): the Nth one, the Next ones, or every
// Every-th one; the next one if none of the three is set.
type Fault struct {
	Command          string
	Kind             Kind
	Nth, Next, Every int
	After            bool          // strike once the call was carried out: its answer is lost
	Status           int           // of kind Status: 400 to 599
	Delay            time.Duration // of kind Delay, in real time
	Code             int           // of kind JobFail; default 530
	Text             string        // of the error
}

// Armed is a fault that was armed.
type Armed struct {
	cloud *Cloud
	id    string
}

// Counts tell what a fault has done.
type Counts struct {
	Seen   int // calls it could have struck
	Struck int // calls it struck
	Held   int // calls it holds now
}

// Fail arms a fault. One that makes no sense fails the test.
func (c *Cloud) Fail(f Fault) *Armed {
	c.t.Helper()
	where := ""
	if f.After {
		where = "after"
	}
	added, err := c.cloud.AddFault(cloudsim.Fault{Command: f.Command, Kind: string(f.Kind), Nth: f.Nth, Next: f.Next, Every: f.Every, Where: where,
		Status: f.Status, DelayMS: int(f.Delay.Milliseconds()), Code: f.Code, Text: f.Text})
	if err != nil {
		c.t.Fatalf("arm a fault: %v", err)
	}
	return &Armed{cloud: c, id: added.ID}
}

// Counts reads what the fault has done; all zero once it is released.
func (a *Armed) Counts() Counts {
	for _, f := range a.cloud.cloud.Faults() {
		if f.ID == a.id {
			return Counts{f.Seen, f.Struck, f.Held}
		}
	}
	return Counts{}
}

// Release disarms the fault and lets go of the calls it holds.
func (a *Armed) Release() { a.cloud.cloud.RemoveFault(a.id) }

// ClearFaults releases all faults.
func (c *Cloud) ClearFaults() { c.cloud.RemoveFault("") }
