package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/moldctl/moldctl/sdk/wire"
)

// errDead is what everything gets that a process does after it was killed.
var errDead = errors.New("the process is dead")

// kind says what is waiting for its turn.
type kind int

const (
	stepBegins kind = iota // a step of a plan
	write                  // an append, before anything is durable
	written                // the same, durable, before its caller knows
	request                // a mutating request on its way to the cloud
	answer                 // its answer on the way back
)

// fate is what the scheduler decides about an event.
type fate int

const (
	happen   fate = iota
	die           // the process is gone; nobody hears of it
	fail          // write: the disk refuses; request: it never arrives
	loseBack      // request: carried out, the answer is lost
	linger        // request: the sender is told that it failed, it arrives later
	jobFails      // request: carried out as a job that fails
	jobHangs      // request: carried out as a job that takes minutes
)

// event is one thing that waits for its turn.
type event struct {
	kind    kind
	name    string // orders the events that wait; the log shows it
	process *process
	since   time.Time
	decided chan fate // holds one
	taken   bool      // its turn has come
	orphan  bool      // nobody waits for it any more, but it may arrive
	deliver func()    // of an orphan: what its arrival does
}

// schedule lets one thing happen at a time. Whatever the engine does in
// parallel comes to a halt at its next event; when all have, the seed chooses
// one. So a run is the same each time, however the goroutines were scheduled.
type schedule struct {
	random *rand.Rand
	wake   chan struct{} // holds one

	mu     sync.Mutex // guards what follows
	parked []*event
	posted []message
	closed bool
	log    []string
	faults *faults
}

func newSchedule(seed uint64) *schedule {
	return &schedule{random: rand.New(rand.NewPCG(seed, 1)), wake: make(chan struct{}, 1)}
}

// note writes a line of the event log.
func (s *schedule) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf("%9.3f ", time.Since(epoch).Seconds())+fmt.Sprintf(format, args...))
}

// message is on its way from a plugin to the host. It needs no turn, but one
// arrives after the other: children are made by several goroutines at once.
type message struct {
	line *line
	text *wire.ApplyDown
}

// name orders messages that are on their way at once. The result comes last.
func (m message) name() string {
	call := m.text.GetIntent().GetCall()
	if call == nil {
		call = m.text.GetCheckpoint().GetCall()
	}
	if m.text.GetResult() != nil {
		return m.line.begun.GetAddress() + "~"
	}
	return m.line.begun.GetAddress() + " " + call.GetKey()
}

func (s *schedule) post(l *line, m *wire.ApplyDown) {
	s.mu.Lock()
	s.posted = append(s.posted, message{l, m})
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// carry brings one message to the host; false: there is none.
func (s *schedule) carry() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.posted) == 0 {
		return false
	}
	slices.SortStableFunc(s.posted, func(a, b message) int { return strings.Compare(a.name(), b.name()) })
	first := s.posted[0]
	s.posted = s.posted[1:]
	if first.line.life.Err() == nil {
		first.line.down.push(first.text)
	}
	return true
}

// epoch is when the clock of every bubble starts.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// turn waits until it is the event's turn and returns its fate. When ctx ends
// first the event stays where it is: a request on the wire cannot be called
// back.
func (s *schedule) turn(ctx context.Context, e *event) (fate, error) {
	e.decided, e.since = make(chan fate, 1), time.Now()
	s.mu.Lock()
	if e.process.dead || s.closed {
		s.mu.Unlock()
		return die, errDead
	}
	s.parked = append(s.parked, e)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	select {
	case f := <-e.decided:
		if f == die {
			return die, errDead
		}
		return f, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	taken := e.taken
	if !taken {
		e.orphan = true
		if e.deliver == nil {
			s.drop(e)
		}
	}
	s.mu.Unlock()
	if !taken {
		return happen, ctx.Err()
	}
	// Its turn came at the same moment.
	if f := <-e.decided; f != die {
		return f, nil
	}
	return die, errDead
}

// drop takes an event out; mu is held.
func (s *schedule) drop(e *event) {
	s.parked = slices.DeleteFunc(s.parked, func(p *event) bool { return p == e })
}

// maxTurns is far above what a run needs.
const maxTurns = 50000

// drive lets things happen until done is closed, or stop says so. It returns
// an error when neither comes.
func (s *schedule) drive(done <-chan struct{}, stop func() bool) error {
	for range maxTurns {
		synctest.Wait()
		select {
		case <-done:
			return nil
		default:
		}
		if stop() {
			return nil
		}
		if s.carry() {
			continue
		}
		e := s.choose()
		if e == nil {
			limit := time.NewTimer(6 * time.Hour)
			select {
			case <-s.wake:
			case <-done:
			case <-limit.C:
				return errors.New("nothing happens any more")
			}
			limit.Stop()
			continue
		}
		s.settle(e)
	}
	return fmt.Errorf("not over after %d turns", maxTurns)
}

// choose picks one of the events that wait, nil if there is none. What nobody
// waits for arrives now and then, and not after its time.
func (s *schedule) choose() *event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parked = slices.DeleteFunc(s.parked, func(e *event) bool {
		return e.orphan && time.Since(e.since) > onTheWire
	})
	var live, orphans []*event
	for _, e := range s.parked {
		switch {
		case e.orphan:
			orphans = append(orphans, e)
		case !e.process.frozen:
			live = append(live, e)
		}
	}
	byName := func(a, b *event) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(live, byName)
	slices.SortFunc(orphans, byName)
	if len(orphans) > 0 && s.random.IntN(12) == 0 {
		return orphans[s.random.IntN(len(orphans))]
	}
	if len(live) == 0 {
		return nil
	}
	return live[s.random.IntN(len(live))]
}

// onTheWire is how long a request may be on its way: the client gives up
// sooner or at the same time, and waits longer before it thinks it absent.
const onTheWire = 60 * time.Second

// settle decides an event.
func (s *schedule) settle(e *event) {
	s.mu.Lock()
	s.drop(e)
	e.taken = true
	orphan := e.orphan
	s.mu.Unlock()
	if orphan {
		s.note("%s arrives late", e.name)
		e.deliver()
		return
	}
	f := s.faults.strike(s, e)
	if f != happen {
		s.note("%s %s", e.name, f)
	} else {
		s.note("%s", e.name)
	}
	e.decided <- f
}

func (f fate) String() string {
	return [...]string{"", "DIES", "FAILS", "ANSWER LOST", "LINGERS", "JOB FAILS", "JOB HANGS"}[f]
}

// end lets nothing of a process happen any more. Requests that were sent may
// still arrive if the seed says so.
func (s *schedule) end(p *process, mayArrive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.dead = true
	var rest []*event
	for _, e := range s.parked {
		if e.process != p || e.orphan {
			rest = append(rest, e)
			continue
		}
		e.taken = true
		e.decided <- die
		if e.kind == request && e.deliver != nil && mayArrive {
			e.orphan = true
			rest = append(rest, e)
		}
	}
	s.parked = rest
}

// close lets nothing happen any more.
func (s *schedule) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, e := range s.parked {
		if !e.orphan {
			e.taken = true
			e.decided <- die
		}
	}
	s.parked, s.posted = nil, nil
}

// clear waits until nothing of earlier processes can arrive any more.
func (s *schedule) clear() {
	for {
		synctest.Wait()
		s.mu.Lock()
		var late *event
		for _, e := range s.parked {
			if e.orphan && time.Since(e.since) <= onTheWire && (late == nil || e.name < late.name) {
				late = e
			}
		}
		if late != nil {
			s.drop(late)
		}
		s.mu.Unlock()
		if late == nil {
			return
		}
		s.note("%s arrives at last", late.name)
		late.deliver()
	}
}
