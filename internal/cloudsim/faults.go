package cloudsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Where a fault strikes.
const (
	faultBefore = "before"
	faultAfter  = "after" // the call is processed, its answer is lost
)

// Fault is a mishap on demand. It strikes calls of Command ("" or "*": every command): the Nth matching call, the next Next
// ones, or every Every-th one; without any of the three, the next one.
type Fault struct {
	ID      string `json:"id"`
	Command string `json:"command"`
	Nth     int    `json:"nth,omitempty"`
	Next    int    `json:"next,omitempty"`
	Every   int    `json:"every,omitempty"`
	Where   string `json:"where,omitempty"` // before (default) or after
	// Kind: reset (connection reset), refuse (closed without an answer), status (HTTP Status), delay (DelayMS), hold (until
	// released), job_fail (the call's job fails with Code and Text), job_hang (it never ends).
	Kind    string `json:"kind"`
	Status  int    `json:"status,omitempty"`
	DelayMS int    `json:"delay_ms,omitempty"`
	Code    int    `json:"code,omitempty"`
	Text    string `json:"text,omitempty"`

	Seen   int `json:"seen"`   // matching calls so far
	Struck int `json:"struck"` // how many of them it struck
	Held   int `json:"held"`   // calls that it holds now

	release chan struct{}
}

func (f *Fault) check() error {
	switch f.Kind {
	case "reset", "refuse", "delay", "hold", "job_hang":
	case "status":
		if f.Status < 400 || f.Status > 599 {
			return fmt.Errorf("status %d: want 400 to 599", f.Status)
		}
	case "job_fail":
		if f.Code == 0 {
			f.Code = 530
		}
	default:
		return fmt.Errorf("kind %q: want reset, refuse, status, delay, hold, job_fail or job_hang", f.Kind)
	}
	switch f.Where {
	case "":
		f.Where = faultBefore
	case faultBefore, faultAfter:
	default:
		return fmt.Errorf("where %q: want before or after", f.Where)
	}
	if f.Nth < 0 || f.Next < 0 || f.Every < 0 || f.DelayMS < 0 {
		return errors.New("nth, next, every and delay_ms cannot be less than 0")
	}
	if f.Kind == "delay" && f.DelayMS == 0 {
		return errors.New("a delay needs delay_ms")
	}
	if f.Nth == 0 && f.Next == 0 && f.Every == 0 {
		f.Next = 1
	}
	return nil
}

// stops reports whether the fault interferes with the connection at this point. A nil fault does nothing.
func (f *Fault) stops(where string) bool {
	return f != nil && f.Kind != "job_fail" && f.Kind != "job_hang" && f.Where == where
}

// loses reports whether the fault keeps the answer of a processed call from its client.
func (f *Fault) loses() bool {
	return f.stops(faultAfter) && f.Kind != "delay" && f.Kind != "hold"
}

// ofJob is what the fault does to the call's job.
func (f *Fault) ofJob() *JobFault {
	switch {
	case f == nil:
		return nil
	case f.Kind == "job_hang":
		return &JobFault{Hang: true}
	case f.Kind == "job_fail":
		return &JobFault{Code: f.Code, Text: f.Text}
	}
	return nil
}

// faults is the list of faults that are armed.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

func (s *faults) add(f Fault) (Fault, error) {
	if err := f.check(); err != nil {
		return Fault{}, err
	}
	f.ID, f.Seen, f.Struck, f.Held, f.release = newUUID(), 0, 0, 0, make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, &f)
	return f, nil
}

func (s *faults) all() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, 0, len(s.list))
	for _, f := range s.list {
		out = append(out, *f)
	}
	return out
}

// remove disarms one fault ("" for all) and releases the calls it holds. It reports how many it removed.
func (s *faults) remove(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.list[:0:0]
	for _, f := range s.list {
		if id != "" && f.ID != id {
			kept = append(kept, f)
			continue
		}
		close(f.release)
	}
	n := len(s.list) - len(kept)
	s.list = kept
	return n
}

// match counts a call and returns the fault that strikes it, nil for none.
func (s *faults) match(command string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.list {
		if f.Command != "" && f.Command != "*" && f.Command != command {
			continue
		}
		f.Seen++
		strikes := f.Nth > 0 && f.Seen == f.Nth || f.Every > 0 && f.Seen%f.Every == 0 || f.Next > 0 && f.Seen <= f.Next
		if strikes {
			f.Struck++
			return f
		}
	}
	return nil
}

func (s *faults) hold(f *Fault, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Held += by
}

// applyFault does what the fault asks for; it reports whether the request is dealt with.
func (c *Cloud) applyFault(ctx context.Context, w http.ResponseWriter, req request, f *Fault) bool {
	switch f.Kind {
	case "delay":
		t := time.NewTimer(time.Duration(f.DelayMS) * time.Millisecond)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return true
		}
		return false
	case "hold":
		c.faults.hold(f, 1)
		defer c.faults.hold(f, -1)
		select {
		case <-f.release:
			return false
		case <-ctx.Done():
		case <-c.ctx.Done():
		}
		return true
	case "status":
		c.write(w, req, refuse(envelopeOf(req.name, c.commands[req.name]), Fail(f.Status, csServer, "%s", f.text())))
		return true
	}
	abort(w, f.Kind == "reset")
	return true
}

func (f *Fault) text() string {
	if f.Text != "" {
		return f.Text
	}
	return http.StatusText(f.Status)
}

// abort closes the connection without an answer, with a reset if asked for.
func abort(w http.ResponseWriter, reset bool) {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		tcp.SetLinger(0) //nolint:errcheck // then it is closed the gentle way
	}
	conn.Close()
}
