package apidouble

import (
	"net/http"
	"strconv"
)

// Fault makes the next call of a command go wrong.
type Fault struct {
	Command string // "" = any
	Kind    string // reset, status, hold
	Where   string // before (default) or after the change has happened
	Status  int    // of kind status
	Retry   int    // seconds of Retry-After, of kind status; negative: none

	id       string
	used     bool
	held     chan struct{} // closed when a call is held
	released chan struct{}
}

// AddFault arms a fault for one call and returns its id.
func (d *Double) AddFault(f Fault) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.id = strconv.Itoa(len(d.faults) + 1)
	f.held, f.released = make(chan struct{}), make(chan struct{})
	if f.Where == "" {
		f.Where = "before"
	}
	d.faults = append(d.faults, &f)
	return f.id
}

// Held tells whether a fault of kind hold holds a call back.
func (d *Double) Held(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if f.id == id {
			select {
			case <-f.held:
				return true
			default:
			}
		}
	}
	return false
}

// ClearFaults disarms all faults and lets held calls go on.
func (d *Double) ClearFaults() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		close(f.released)
	}
	d.faults = nil
}

// fault takes the fault that is armed for a command; nil when there is none.
func (d *Double) fault(command string) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if !f.used && (f.Command == "" || f.Command == command) {
			f.used = true
			return f
		}
	}
	return nil
}

// strikes lets the fault happen, if this is its moment; the request is answered
// then.
func (f *Fault) strikes(w http.ResponseWriter, req *http.Request, where string) bool {
	if f == nil || f.Where != where {
		return false
	}
	switch f.Kind {
	case "reset":
		hangUp(w)
		return true
	case "status":
		a := refuse(f.Status, "The test wants it so.")
		if f.Retry >= 0 {
			a.header = map[string]string{"Retry-After": strconv.Itoa(f.Retry)}
		}
		write(w, a)
		return true
	case "hold":
		close(f.held)
		select {
		case <-f.released:
		case <-req.Context().Done():
		}
	}
	return false
}
