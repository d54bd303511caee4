package pluginhost

import (
	"slices"
	"sync"
	"time"

	"github.com/moldctl/moldctl/sdk/wire"
)

const (
	// startRequests is how many requests a run has under way before it knows how
	// much the cloud bears.
	startRequests = 10
	// round is how long refusals may belong to what was asked before the run
	// slowed down, if not all processes have said before that they heard of it:
	// they slow it down once.
	round = 100 * time.Millisecond
	// careful is how much longer than otherwise the run waits before it asks as
	// much as the cloud refused last time.
	careful = 8
	// quantum is how long a process keeps the turn where there are more
	// processes than requests that may be under way.
	quantum = 200 * time.Millisecond
)

// budget is what a run may ask of one cloud at once, dealt out to the plugin
// processes that use it. A process asks nobody as long as its share is enough;
// what it does not need goes to others when they need it. The shares never add
// up to more than the cloud's max_requests, also while they change: what is
// taken from one process is given to another when the first has let go of it.
//
// When the cloud refuses a request for load, all slow down: half as many are
// under way from then on, and one more after each that many it answered.
type budget struct {
	mu       sync.Mutex // guards what follows
	most     int        // the setting
	limit    int        // at present
	answered int        // since the limit was last changed
	slowed   time.Time  // when it was last lowered
	refused  int        // what it was then
	resting  time.Time  // until when the cloud wants to be left alone
	members  []*member  // in the order in which they came
	first    int        // who is served first where there is not enough for all
	turns    *time.Timer
}

// member is one process, as far as it uses the cloud.
type member struct {
	budget *budget
	wanted int // requests that could be under way
	share  int // what it may have under way, as was decided last
	seq    uint64
	held   int           // what it may still have under way, as it told last
	told   []told        // what it may not have heard yet
	late   bool          // it has not said yet that it heard of the last slowing down
	fixed  bool          // it does not hear of shares: what it has it keeps
	news   chan struct{} // holds one: there is something to tell it
}

type told struct {
	seq   uint64
	share int
}

func newBudget(most int) *budget {
	most = max(most, 1)
	return &budget{most: most, limit: min(startRequests, most)}
}

// join adds a process that hears of its share.
func (b *budget) join() *member {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := &member{budget: b, wanted: 1, news: make(chan struct{}, 1)}
	b.members = append(b.members, m)
	b.deal()
	return m
}

// joinFixed adds a process that does not, and returns what it may have under
// way for ever: its part, if all that may come had the same.
func (b *budget) joinFixed(processes int) (*member, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	part := max(1, b.most/max(processes, 1))
	m := &member{budget: b, wanted: part, share: part, held: part, fixed: true}
	b.members = append(b.members, m)
	b.deal()
	return m, part
}

// leave gives back what a process had that has ended.
func (b *budget) leave(m *member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = slices.DeleteFunc(b.members, func(other *member) bool { return other == m })
	b.deal()
}

// next is what a process is to hear.
func (b *budget) next(m *member) *wire.ShareUp {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.seq++
	m.told = append(m.told, told{m.seq, m.share})
	up := &wire.ShareUp{Seq: m.seq, Most: int32(m.share), All: int32(b.limit), Slowed: b.limit < b.most} //nolint:gosec // counts of requests
	if rest := time.Until(b.resting); rest > 0 {
		up.RestMs = rest.Milliseconds() + 1
	}
	return up
}

// heard takes what a process tells.
func (b *budget) heard(m *member, down *wire.ShareDown) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.told = slices.DeleteFunc(m.told, func(t told) bool { return t.seq <= down.GetSeq() })
	m.held, m.wanted, m.late = max(int(down.GetHeld()), 0), max(int(down.GetWanted()), 0), m.late && len(m.told) > 0
	if down.GetRefused() > 0 {
		m.tell() // it lets fewer through until it hears
	}
	b.learn(int(down.GetRefused()), int(down.GetAnswered()), time.Duration(down.GetRestMs())*time.Millisecond)
	b.deal()
}

// learn adapts the limit to what the cloud said.
func (b *budget) learn(refused, answered int, rest time.Duration) {
	now := time.Now()
	if until := now.Add(rest); rest > 0 && until.After(b.resting) {
		b.resting = until
		b.tellAll()
	}
	heard := !slices.ContainsFunc(b.members, func(m *member) bool { return m.late })
	switch {
	case refused > 0 && (heard || now.Sub(b.slowed) >= round):
		b.refused, b.slowed = b.limit, now
		b.limit, b.answered = max(1, b.limit/2), 0
		for _, m := range b.members {
			m.late = !m.fixed
		}
		b.tellAll()
	case refused == 0 && answered > 0 && b.limit < b.most:
		need := b.limit
		if b.limit+1 == b.refused {
			need *= careful
		}
		if b.answered += answered; b.answered >= need {
			b.limit, b.answered = b.limit+1, 0
			b.tellAll()
		}
	}
}

func (b *budget) tellAll() {
	for _, m := range b.members {
		m.tell()
	}
}

func (m *member) tell() {
	if m.fixed {
		return
	}
	select {
	case m.news <- struct{}{}:
	default: // it is said that there is news
	}
}

// mayHold is what a process may have under way, whatever of what it was told
// it has heard.
func (m *member) mayHold() int {
	most := m.held
	for _, t := range m.told {
		most = max(most, t.share)
	}
	return max(most, m.share)
}

// deal decides who has what share, and lets those know whose changed.
func (b *budget) deal() {
	due := b.due()
	free := b.limit
	for _, m := range b.members {
		if due[m] < m.share {
			m.share = due[m]
			m.tell()
		}
		free -= m.mayHold()
	}
	for _, m := range b.members {
		// What it still holds of a larger share is counted already.
		counted := m.mayHold()
		if share := min(due[m], counted+max(free, 0)); share > m.share {
			free -= max(share-counted, 0)
			m.share = share
			m.tell()
		}
	}
	b.takeTurns(due)
}

// due is what each process should have: what it wants, as far as there is
// enough, else as much as the others; and what nobody wants stays where it is.
func (b *budget) due() map[*member]int {
	due := make(map[*member]int, len(b.members))
	free := b.limit
	var hungry []*member
	for i := range b.members {
		m := b.members[(b.first+i)%len(b.members)]
		if m.fixed {
			due[m] = m.share
			free -= m.share
		} else if m.wanted > 0 {
			hungry = append(hungry, m)
		}
	}
	for free > 0 && len(hungry) > 0 {
		part := max(free/len(hungry), 1)
		still := hungry[:0:0]
		for _, m := range hungry {
			more := min(part, m.wanted-due[m], free)
			due[m] += more
			free -= more
			if due[m] < m.wanted {
				still = append(still, m)
			}
		}
		hungry = still
	}
	for _, keep := range []bool{true, false} {
		for _, m := range b.members {
			more := max(free, 0)
			if keep {
				more = min(more, max(m.share-due[m], 0))
			}
			if !m.fixed {
				due[m] += more
				free -= more
			}
		}
	}
	return due
}

// takeTurns lets others come first after a while, if some get nothing.
func (b *budget) takeTurns(due map[*member]int) {
	starving := slices.ContainsFunc(b.members, func(m *member) bool { return m.wanted > 0 && due[m] == 0 })
	if !starving || b.turns != nil {
		return
	}
	b.turns = time.AfterFunc(quantum, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.turns = nil
		if n := len(b.members); n > 0 {
			b.first = (b.first + max(b.limit, 1)) % n
		}
		b.deal()
	})
}
