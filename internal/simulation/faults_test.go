package simulation

import (
	"slices"
	"strings"
	"time"
)

// calamity is one thing that goes wrong in a run as a whole.
type calamity int

const (
	nothingElse  calamity = iota
	killed                // the program and its plugins die
	killedOnWire          // the same, and what was sent may still arrive
	pluginDies            // one plugin dies
	interrupted           // Ctrl-C
	cancelled             // Ctrl-C twice
	stoppedLong           // the program is stopped past its lease, another takes over
	clockJumps            // the cloud's clock is set
	calamities            // how many there are
)

// faults decide what goes wrong in one run.
type faults struct {
	on       bool
	chance   int // one event in so many goes wrong by itself
	left     int // how many more may
	calamity calamity
	at       int // turns until the calamity
	process  *process
	asleep   bool   // the process was stopped
	hold     string // a command whose job is to become known before anything else goes wrong
}

// plan of what goes wrong in the next run.
func (s *schedule) newFaults(p *process, leased bool) *faults {
	f := &faults{on: true, process: p, chance: 4 + s.random.IntN(20), left: s.random.IntN(6)}
	f.calamity = calamity(s.random.IntN(int(calamities)))
	if f.calamity == stoppedLong && !leased {
		f.calamity = killed
	}
	f.at = s.random.IntN(20 << s.random.IntN(4))
	if f.calamity == clockJumps {
		f.left = 0 // what is on its way is judged by the clock
	}
	return f
}

// strike decides what becomes of an event.
func (f *faults) strike(s *schedule, e *event) fate {
	if f == nil || !f.on || e.process != f.process {
		return happen
	}
	if f.hold != "" {
		// The job of a call that shows nothing before it is over can be found
		// again only by its id.
		if e.kind == written && strings.Contains(e.name, f.hold) && strings.Contains(e.name, " job-") {
			f.hold = ""
		}
		return happen
	}
	if f.at--; f.at == 0 && f.calamity != nothingElse {
		if f.calamityStrikes(s, e) {
			return die
		}
		if e.process.frozen {
			return happen // it was decided before it was stopped
		}
	}
	if f.process.world.bug.jobsFail && e.kind == request && s.random.IntN(3) == 0 && creates[strings.Fields(e.name)[1]].kind != "" {
		return jobFails
	}
	if f.left == 0 || s.random.IntN(f.chance) != 0 {
		return happen
	}
	f.left--
	switch e.kind {
	case write:
		return fail
	case request:
		how := []fate{fail, loseBack, linger, jobFails, jobHangs}[s.random.IntN(5)]
		if command := strings.Fields(e.name)[1]; how == jobHangs && creates[command].quiet {
			if e.process.ctx.Err() != nil {
				return happen // its id does not reach the host any more
			}
			f.hold = command
		}
		return how
	}
	return happen
}

// calamityStrikes carries a calamity out; true: e's process is dead.
func (f *faults) calamityStrikes(s *schedule, e *event) bool {
	p := f.process
	switch f.calamity {
	case killed, killedOnWire:
		s.note("%s IS KILLED", p.name)
		f.on = false
		// It has been taken out already: a request may arrive all the same.
		if e.kind == request && f.calamity == killedOnWire {
			s.detach(e)
		}
		p.kill(f.calamity == killedOnWire)
		return true
	case pluginDies:
		name := []string{"ground", "house"}[s.random.IntN(2)]
		s.note("%s: plugin %s DIES", p.name, name)
		p.killPlugin(name)
	case interrupted:
		s.note("%s is interrupted", p.name)
		p.once()
	case cancelled:
		s.note("%s is cancelled", p.name)
		p.once()
		p.twice()
	case stoppedLong:
		s.note("%s is STOPPED", p.name)
		f.asleep = true
		s.mu.Lock()
		p.frozen = true
		s.mu.Unlock()
	case clockJumps:
		jump := time.Duration(s.random.IntN(7200)-3600) * time.Second
		s.note("the cloud's clock jumps by %s", jump)
		p.world.cloud.jumped.Add(int64(jump))
		s.lost()
	}
	return false
}

// lost takes what is on the wire away: how long it may be there is measured by
// the clock that was set.
func (s *schedule) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parked = slices.DeleteFunc(s.parked, func(e *event) bool { return e.orphan })
}

// thaw lets a stopped process go on.
func (s *schedule) thaw(p *process) {
	s.note("%s goes on", p.name)
	s.mu.Lock()
	p.frozen = false
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
