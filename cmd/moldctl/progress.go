package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/plan"
)

const (
	// redrawEvery is how often the live view is drawn on a terminal.
	redrawEvery = 250 * time.Millisecond
	// sayEvery is how often a running step says that it runs, where lines are
	// only ever added.
	sayEvery = 15 * time.Second
	// liveLines bounds the live view: more running steps are counted.
	liveLines = 12
)

// progress shows how a plan is carried out: finished steps as lines that stay,
// running ones on a terminal as lines that are drawn anew.
type progress struct {
	out  io.Writer
	json bool
	live bool
	wide int

	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	running map[*plan.Step]*running
	drawn   int // lines of the live view on the screen
	total   int
	done    int
}

// running is a step under way.
type running struct {
	name  string
	verb  string
	since time.Time
	said  time.Time
	text  string // what it last said
}

func newProgress(s *session, p *plan.Plan) *progress {
	show := &progress{
		out: s.io.out, json: s.flags.JSON, live: s.color(s.io.out) && !s.flags.JSON, wide: columns(s.io.out),
		stop: make(chan struct{}), stopped: make(chan struct{}), running: map[*plan.Step]*running{},
	}
	for _, step := range p.Steps {
		if step.Action != plan.NoOp {
			show.total++
		}
	}
	go show.tick()
	return show
}

// tick draws the live view, or says of long steps that they run.
func (p *progress) tick() {
	defer close(p.stopped)
	every := sayEvery
	if p.live {
		every = redrawEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.mu.Lock()
			if p.live {
				p.draw()
			} else {
				p.remind()
			}
			p.mu.Unlock()
		case <-p.stop:
			return
		}
	}
}

// end removes the live view.
func (p *progress) end() {
	close(p.stop)
	<-p.stopped
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// verbs are how an action is told: under way, and done.
func verbs(s *plan.Step) (doing, done string) {
	switch s.Action {
	case plan.Create:
		return "creating", "created"
	case plan.Update:
		return "changing", "changed"
	case plan.Delete:
		return "deleting", "deleted"
	case plan.Prune:
		return "cleaning up", "cleaned up"
	case plan.Read:
		return "reading", "read"
	}
	return "forgetting", "forgotten"
}

// progressEvent is one line of apply's JSON stream.
type progressEvent struct {
	Type    string  `json:"type"` // started, progress, done, failed, skipped, waiting
	Address string  `json:"address"`
	Action  string  `json:"action"`
	Text    string  `json:"text,omitempty"`
	ID      string  `json:"id,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	Time    string  `json:"time"`
}

// observe takes one event of the engine; it is called from several goroutines.
func (p *progress) observe(e apply.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := e.Step.Instance.String()
	if p.json {
		event := progressEvent{
			string(e.Kind), name, string(e.Step.Action), diag.Clean(e.Text), e.ID, e.Elapsed.Seconds(), time.Now().UTC().Format(time.RFC3339Nano),
		}
		// A reader that went away is noticed when the result is written.
		_ = writeJSONLine(p.out, event)
		return
	}
	doing, done := verbs(e.Step)
	switch e.Kind {
	case apply.Started:
		now := time.Now()
		p.running[e.Step] = &running{name: name, verb: doing, since: now, said: now}
		if !p.live {
			p.say("%s: %s", name, doing)
		}
	case apply.Progress:
		p.progressed(e.Step, name, diag.Clean(e.Text))
	case apply.Done:
		p.finished(e.Step)
		id := ""
		if e.ID != "" {
			id = " [" + e.ID + "]"
		}
		p.say("%s: %s in %s%s", name, done, short(e.Elapsed), id)
	case apply.Failed:
		p.finished(e.Step)
		p.say("%s: failed after %s", name, short(e.Elapsed))
	case apply.Waiting:
		p.finished(e.Step)
		p.say("%s: waits for the cloud, after %s", name, short(e.Elapsed))
	case apply.Skipped:
		p.done++
		p.say("%s: skipped %s", name, diag.Clean(e.Text))
	}
}

func (p *progress) progressed(s *plan.Step, name, text string) {
	r := p.running[s]
	if r == nil || r.text == text {
		return
	}
	r.text, r.said = text, time.Now()
	if !p.live {
		p.say("%s: %s", name, text)
	}
}

func (p *progress) finished(s *plan.Step) {
	delete(p.running, s)
	p.done++
}

// say writes a line that stays, above the live view.
func (p *progress) say(format string, args ...any) {
	p.erase()
	fmt.Fprintf(p.out, format+"\n", args...)
	if p.live {
		p.draw()
	}
}

// remind says of every step that was silent for long that it still runs.
func (p *progress) remind() {
	now := time.Now()
	for _, r := range p.sorted() {
		if now.Sub(r.said) >= sayEvery {
			r.said = now
			fmt.Fprintf(p.out, "%s: still %s after %s\n", r.name, r.verb, short(now.Sub(r.since)))
		}
	}
}

// draw shows the running steps, oldest first.
func (p *progress) draw() {
	p.erase()
	list := p.sorted()
	if len(list) == 0 {
		return
	}
	now := time.Now()
	lines := []string{fmt.Sprintf("  %d of %d", p.done, p.total)}
	for i, r := range list {
		if i == liveLines {
			lines = append(lines, fmt.Sprintf("  … and %d more", len(list)-liveLines))
			break
		}
		text := fmt.Sprintf("  %s: %s %s", r.name, r.verb, short(now.Sub(r.since)))
		if r.text != "" {
			text += "  " + r.text
		}
		lines = append(lines, text)
	}
	for _, line := range lines {
		fmt.Fprintf(p.out, "\x1b[2m%s\x1b[0m\n", cut(line, p.wide-1))
	}
	p.drawn = len(lines)
}

// erase removes the live view from the screen.
func (p *progress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.out, "\x1b[%dA\x1b[J", p.drawn)
		p.drawn = 0
	}
}

func (p *progress) sorted() []*running {
	var list []*running
	for _, r := range p.running {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *running) int {
		return cmp.Or(a.since.Compare(b.since), strings.Compare(a.name, b.name))
	})
	return list
}

// short rounds a duration to what a person wants to know.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Minute).String()
}

// cut shortens a line to a width in columns; a wide letter counts as two, so
// that a line never wraps.
func cut(line string, width int) string {
	if width <= 0 {
		return line
	}
	used := 0
	for i, r := range line {
		step := 1
		if r > 0x1100 {
			step = 2
		}
		if used+step > width {
			return line[:i]
		}
		used += step
	}
	return line
}
