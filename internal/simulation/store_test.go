package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moldctl/moldctl/core/state"
)

const leaseTime = 20 * time.Second

var errFenced = errors.New("another run holds the state")

// disk is what survives a crash.
type disk struct {
	mu     sync.Mutex // guards what follows
	snap   *state.Snapshot
	token  int       // of the last holder
	until  time.Time // end of its lease
	leased bool      // the state has leases, not locks
}

func newDisk(leased bool) *disk {
	return &disk{leased: leased, snap: &state.Snapshot{
		Lineage: "simulated", Stack: "sim", Objects: map[state.Key]*state.Object{}, Operations: map[string]*state.Operation{},
		Bindings: map[string]state.Binding{}, Outputs: map[string]state.Output{},
	}}
}

// copySnapshot is a snapshot that later appends do not change.
func copySnapshot(s *state.Snapshot) *state.Snapshot {
	out := *s
	out.Objects, out.Operations = maps.Clone(s.Objects), map[string]*state.Operation{}
	out.Bindings, out.Outputs = maps.Clone(s.Bindings), maps.Clone(s.Outputs)
	for id, op := range s.Operations {
		copied := *op
		copied.Calls = slices.Clone(op.Calls)
		out.Operations[id] = &copied
	}
	return &out
}

// announced tells whether a call of the command is open in what survives.
func (d *disk) announced(command string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, op := range d.snap.Operations {
		for _, c := range op.Calls {
			if c.Command == command && c.State == state.CallOpen {
				return true
			}
		}
	}
	return false
}

// session is the state as one process holds it. It implements state.Session.
type session struct {
	world   *world
	process *process
	store   *state.Store // in real files, beside the one in memory; nil: none
	token   int
	stop    chan struct{}
	stopped chan struct{}

	mu       sync.Mutex // guards what follows
	volatile []state.Entry
	names    map[string]string // operation → address
}

// open takes the state, in files too if there are any.
func (w *world) open(p *process) (*session, error) {
	s := w.hold(p)
	if w.files == nil {
		return s, nil
	}
	var err error
	s.store, err = w.files.take()
	return s, err
}

// hold takes the state in memory. Whoever finds a lease waits for its end and half its
// time more, as the real one does.
func (w *world) hold(p *process) *session {
	d := w.disk
	for d.leased {
		d.mu.Lock()
		free := d.until.Add(leaseTime / 2)
		d.mu.Unlock()
		if !time.Now().Before(free) {
			break
		}
		time.Sleep(time.Until(free))
	}
	d.mu.Lock()
	d.token++
	s := &session{world: w, process: p, token: d.token, stop: make(chan struct{}), stopped: make(chan struct{}), names: map[string]string{}}
	for id, op := range d.snap.Operations {
		s.names[id] = keyText(op.Key)
	}
	if d.leased {
		d.until = time.Now().Add(leaseTime)
		p.renewed(d.until)
	}
	d.mu.Unlock()
	if d.leased {
		go s.keep()
	} else {
		close(s.stopped)
	}
	return s
}

// keep renews the lease.
func (s *session) keep() {
	defer close(s.stopped)
	every := time.NewTicker(leaseTime / 4)
	defer every.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-every.C:
		}
		d := s.world.disk
		d.mu.Lock()
		until := time.Now().Add(leaseTime)
		lost := d.token != s.token || !time.Now().Before(d.until)
		renew := !lost && !s.process.stands() && !s.world.bug.neverRenews
		if renew {
			d.until = until
		}
		d.mu.Unlock()
		if lost {
			return
		}
		if renew {
			s.process.renewed(until)
		}
	}
}

// Snapshot returns everything as of now.
func (s *session) Snapshot(ctx context.Context) (*state.Snapshot, error) {
	s.world.disk.mu.Lock()
	defer s.world.disk.mu.Unlock()
	snap := copySnapshot(s.world.disk.snap)
	if s.store == nil {
		return snap, nil
	}
	real, err := s.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if diff := compare(snap, real); diff != "" {
		return nil, fmt.Errorf("the state in the file is another than it should be (-want +got):\n%s", diff)
	}
	return real, nil
}

// Append makes entries durable, all or none.
func (s *session) Append(ctx context.Context, entries ...state.Entry) error {
	name := s.process.name + " append " + s.describe(entries)
	f, err := s.world.schedule.turn(context.WithoutCancel(ctx), &event{kind: write, name: name, process: s.process})
	if err != nil {
		return err
	}
	if f == fail {
		return fmt.Errorf("write state: %w", syscall.ENOSPC)
	}
	if change := s.world.bug.entries; change != nil {
		entries = change(entries)
	}
	if s.world.bug.acksEarly {
		// It is written when its caller has long gone on.
		go func() {
			if _, err := s.world.schedule.turn(context.Background(), &event{kind: written, name: name + " (late)", process: s.process}); err == nil {
				s.keepEntries(entries)
			}
		}()
		return nil
	}
	if s.store != nil {
		if err := s.store.Append(ctx, entries...); err != nil {
			return err
		}
	}
	if err := s.keepEntries(entries); err != nil {
		return err
	}
	_, err = s.world.schedule.turn(context.WithoutCancel(ctx), &event{kind: written, name: name + " kept", process: s.process})
	return err
}

func (s *session) keepEntries(entries []state.Entry) error {
	d := s.world.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.token != s.token && !s.world.bug.noFence {
		return errFenced
	}
	if s.world.bug.noFlush {
		s.mu.Lock()
		s.volatile = append(s.volatile, entries...)
		if len(s.volatile) > 4 {
			s.volatile = nil // the system flushed by itself
		}
		if len(s.volatile) == len(entries) {
			s.process.unflushed = copySnapshot(d.snap)
		}
		s.mu.Unlock()
	}
	next := copySnapshot(d.snap)
	for _, e := range entries {
		if err := carryOut(next, e); err != nil {
			return err
		}
	}
	d.snap = next
	return nil
}

// Close gives the state back.
func (s *session) Close() error {
	close(s.stop)
	<-s.stopped
	if s.store != nil && !s.process.isDead() {
		if err := s.store.Close(); err != nil {
			return err
		}
	}
	d := s.world.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.token == s.token && d.leased && !s.process.isDead() {
		d.until = time.Now().Add(-leaseTime) // given back at once
	}
	return nil
}

// carryOut is what an entry does, said once more than in the real state.
func carryOut(s *state.Snapshot, e state.Entry) error {
	switch e := e.(type) {
	case state.Begin:
		op := e.Operation
		if s.Operations[op.ID] != nil {
			return fmt.Errorf("operation %s has begun already", op.ID)
		}
		if op.Object != nil {
			object := *op.Object // it is changed while the operation runs
			op.Object = &object
		}
		s.Operations[op.ID] = &op
	case state.PutCall:
		op := s.Operations[e.Operation]
		if op == nil {
			return fmt.Errorf("operation %s is not open", e.Operation)
		}
		i := slices.IndexFunc(op.Calls, func(c state.Call) bool { return c.Key == e.Call.Key })
		if i < 0 {
			op.Calls = append(op.Calls, e.Call)
		} else {
			op.Calls[i] = e.Call
		}
	case state.Commit:
		if s.Operations[e.Operation] == nil {
			return fmt.Errorf("operation %s is not open", e.Operation)
		}
		delete(s.Operations, e.Operation)
		setObject(s, e.Key, e.Object)
	case state.Put:
		setObject(s, e.Key, e.Object)
	case state.Move:
		o := s.Objects[e.From]
		if o == nil || s.Objects[e.To] != nil {
			return fmt.Errorf("move %v to %v: there is nothing to move, or something in the way", e.From, e.To)
		}
		moved := *o
		moved.Key = e.To
		delete(s.Objects, e.From)
		s.Objects[e.To] = &moved
	case state.Bind:
		s.Bindings[e.Binding.Alias] = e.Binding
	case state.SetOutputs:
		s.Outputs = map[string]state.Output{}
		for _, o := range e.Outputs {
			s.Outputs[o.Name] = o
		}
	default:
		return fmt.Errorf("entry %T is not known", e)
	}
	return nil
}

func setObject(s *state.Snapshot, key state.Key, o *state.Object) {
	if o == nil {
		delete(s.Objects, key)
		return
	}
	copied := *o
	copied.Key = key
	s.Objects[key] = &copied
}

// describe names entries in the event log, without what is random.
func (s *session) describe(entries []state.Entry) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range entries {
		switch e := e.(type) {
		case state.Begin:
			s.names[e.Operation.ID] = keyText(e.Operation.Key)
			out = append(out, "begin "+e.Operation.Action+" "+keyText(e.Operation.Key))
		case state.PutCall:
			out = append(out, strings.TrimSpace("call "+s.names[e.Operation]+" "+e.Call.Key+" "+string(e.Call.State)+" "+e.Call.Command+" "+e.Call.ID+" "+e.Call.Job))
		case state.Commit:
			status := "nothing"
			if e.Object != nil {
				status = string(e.Object.Status) + " " + e.Object.ID
			}
			out = append(out, "commit "+keyText(e.Key)+" "+status)
		case state.Put:
			status := "nothing"
			if e.Object != nil {
				status = string(e.Object.Status) + " " + e.Object.ID
			}
			out = append(out, "put "+keyText(e.Key)+" "+status)
		case state.Move:
			out = append(out, "move "+keyText(e.From)+" to "+keyText(e.To))
		default:
			out = append(out, fmt.Sprintf("%T", e))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func keyText(k state.Key) string {
	if k.Deposed == "" {
		return k.Addr
	}
	return k.Addr + " (deposed " + k.Deposed + ")"
}
