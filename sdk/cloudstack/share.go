package cloudstack

import (
	"context"
	"sync"
	"time"
)

// slackTime is how long a share may be larger than what is made of it before that is told: what comes and goes within milliseconds
// would only be dealt to and fro.
const slackTime = 20 * time.Millisecond

// shortRest is how long a process that was refused for load begins nothing: refusals come quickly, and the next in the queue would only
// be refused before the run has slowed down.
const shortRest = 25 * time.Millisecond

// Share is this process's part of what a run may ask of one cloud at once. Several processes share a cloud, and somebody who knows them
// all deals the parts out: a client whose Settings have a Share keeps to it, and to no limit of its own.
type Share struct {
	changed chan struct{} // holds one

	mu sync.Mutex // guards what follows
	queue
	all    int  // what the whole run may have under way
	slowed bool // that is less than the cloud would take on a good day: answers are counted
	told   int  // how many requests could be under way, as was told last
	news   Usage
	slack  *time.Timer
}

// Usage is what whoever deals the shares out has to know of one.
type Usage struct {
	// Held is how many requests are or may be under way: the share, or more while it shrinks.
	Held int
	// Wanted is how many could be: those under way and those that wait.
	Wanted int
	// Refused and Answered count what the cloud said since the last Usage; Answered only while the run is slowed down.
	Refused, Answered int
	// Rest is how long the cloud asked to be left alone.
	Rest time.Duration
}

// Deal is a share as it is dealt out.
type Deal struct {
	Most   int           // requests under way at most
	All    int           // those of all shares together
	Slowed bool          // All is less than it may be: answers are to be counted
	Rest   time.Duration // begin none for so long
}

// NewShare returns a share of nothing: requests wait until something is dealt.
func NewShare() *Share { return &Share{changed: make(chan struct{}, 1)} }

// Set replaces the share. Requests under way beyond it end in their time, and Usage tells when they have.
func (s *Share) Set(d Deal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.limit, s.all, s.slowed = d.Most, d.All, d.Slowed
	s.rest(now, d.Rest, s.rested)
	s.wake(now)
	s.hunger()
}

// Changed tells when there is something new in Usage.
func (s *Share) Changed() <-chan struct{} { return s.changed }

// Usage takes what is new. Only whoever deals the shares out may ask for it.
func (s *Share) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.news
	u.Held, u.Wanted = max(s.limit, s.flight), s.wanted()
	s.told, s.news = u.Wanted, Usage{}
	return u
}

func (s *Share) acquire(ctx context.Context) error {
	s.mu.Lock()
	turn := s.enter(time.Now())
	s.hunger()
	s.mu.Unlock()
	return await(ctx, turn, s.quit)
}

func (s *Share) quit(turn chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(turn)
	s.ended()
}

func (s *Share) release(o outcomeOf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight--
	switch {
	case o.busy:
		s.news.Refused++
		s.news.Rest = max(s.news.Rest, o.rest)
		// The others hear of it in a moment, and so does this process of what they do.
		s.rest(time.Now(), max(o.rest, shortRest), s.rested)
		s.limit = min(s.limit, max(1, s.limit/2))
		s.tell()
	case s.slowed:
		if s.news.Answered++; s.news.Answered >= s.limit {
			s.tell()
		}
	}
	s.ended()
}

// ended lets the next request begin and tells, soon, what is not needed any more.
func (s *Share) ended() {
	if s.flight >= s.limit {
		s.tell() // a share that shrinks is waited for
	}
	s.wake(time.Now())
	if s.wanted() < s.told && s.slack == nil {
		s.slack = time.AfterFunc(slackTime, s.slackened)
	}
}

// wanted is how many requests could be under way, as far as that is anybody's business.
func (s *Share) wanted() int { return min(s.flight+len(s.waiting), s.all) }

// hunger tells that more could be made of a larger share.
func (s *Share) hunger() {
	if w := s.wanted(); w > s.limit && w > s.told {
		s.tell()
	}
}

func (s *Share) tell() {
	select {
	case s.changed <- struct{}{}:
	default: // it is said that there is news
	}
}

func (s *Share) slackened() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slack = nil
	if s.wanted() < s.told {
		s.tell()
	}
}

func (s *Share) rested() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake(time.Now())
}
