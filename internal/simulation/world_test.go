package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/moldctl/moldctl/core/state"
)

// world is one user, one stack, one state and one cloud.
type world struct {
	seed      uint64
	dir       string
	bug       bug
	random    *rand.Rand // of what the user does
	schedule  *schedule
	cloud     *cloud
	disk      *disk
	files     *files // nil: the state is in memory only
	stack     *stack
	runs      int
	processes []*process
	rounds    int // how often the stack is changed and applied
}

// soakRounds is how often a stack is changed in a long life.
const soakRounds = 4

func newWorld(seed uint64, dir string, plant func(*world)) *world {
	w := &world{seed: seed, dir: dir, random: rand.New(rand.NewPCG(seed, 2)), schedule: newSchedule(seed), rounds: 2}
	if soak() {
		w.rounds = soakRounds
	}
	w.cloud = newCloud(w.schedule.note)
	w.disk = newDisk(w.random.IntN(2) == 0)
	w.stack = newStack(w.random)
	if plant != nil {
		plant(w)
	}
	return w
}

// start begins a run; the outcome comes over the channel.
func (w *world) start(destroy, planOnly bool) (*process, <-chan struct{}, *outcome, error) {
	p, err := w.newProcess()
	if err != nil {
		return nil, nil, nil, err
	}
	w.allowTwins()
	done, out := make(chan struct{}), &outcome{}
	text := w.stack.text()
	go func() {
		defer close(done)
		*out = p.run(text, destroy, planOnly)
	}()
	return p, done, out, nil
}

// clean is a run without faults; it must succeed.
func (w *world) clean(destroy, planOnly bool) (*outcome, error) {
	_, done, out, err := w.start(destroy, planOnly)
	if err != nil {
		return nil, err
	}
	w.schedule.faults = nil
	if err := w.schedule.drive(done, func() bool { return false }); err != nil {
		return nil, err
	}
	if out.diags.HasErrors() {
		return out, fmt.Errorf("a run without faults failed:\n%s", out.said())
	}
	return out, nil
}

// faulty is a run in which things go wrong.
func (w *world) faulty(destroy bool) error {
	p, done, out, err := w.start(destroy, false)
	if err != nil {
		return err
	}
	f := w.schedule.newFaults(p, w.disk.leased)
	w.schedule.faults = f
	never := func() bool { return false }
	if err := w.schedule.drive(done, func() bool { return f.asleep }); err != nil {
		return err
	}
	if f.asleep {
		f.asleep, f.on = false, false
		// Another run takes over; then the first goes on as if nothing had been.
		if _, err := w.clean(destroy, false); err != nil {
			return fmt.Errorf("taking over: %w", err)
		}
		before := w.rows()
		w.schedule.thaw(p)
		if err := w.schedule.drive(done, never); err != nil {
			return err
		}
		if after := w.rows(); after != before {
			return fmt.Errorf("a run that had lost the state wrote to it:\n%s\nbecame\n%s", before, after)
		}
	}
	if p.isDead() {
		return nil // nobody hears what it says
	}
	var said []string
	for _, d := range out.diags {
		said = append(said, p.name+" said: "+d.Summary+": "+d.Detail)
	}
	slices.Sort(said)
	for _, line := range said {
		w.schedule.note("%s", line)
	}
	return nil
}

// rows is the state in short.
func (w *world) rows() string {
	var out []string
	for key, o := range w.disk.snap.Objects {
		out = append(out, keyText(key)+" "+string(o.Status)+" "+o.ID)
	}
	out = append(out, fmt.Sprint(len(w.disk.snap.Operations), " operations"))
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// live plays the whole life of a stack and returns what is wrong.
func (w *world) live() error {
	w.twins()
	for round := range w.rounds {
		if round > 0 {
			w.meddle()
		}
		for range 1 + w.random.IntN(2) {
			if err := w.faulty(false); err != nil {
				return err
			}
			if w.random.IntN(3) == 0 {
				w.stack.edit(w.random)
			}
		}
		if err := w.converges(false); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		w.stack.edit(w.random)
		if w.random.IntN(2) == 0 {
			w.stack.edit(w.random)
		}
	}
	if err := w.faulty(true); err != nil {
		return err
	}
	if err := w.converges(true); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	return nil
}

// converges expects one run more to leave all as it should be, and another to
// find nothing to do.
func (w *world) converges(destroy bool) error {
	if _, err := w.clean(destroy, false); err != nil {
		return err
	}
	w.schedule.clear()
	if err := w.check(destroy); err != nil {
		return err
	}
	if destroy {
		return nil
	}
	out, err := w.clean(false, true)
	if err != nil {
		return err
	}
	if len(out.steps) > 0 {
		return fmt.Errorf("the plan afterwards is not empty: %q", out.steps)
	}
	if out.settled > 0 {
		return fmt.Errorf("the plan afterwards found %d things to write down", out.settled)
	}
	return nil
}

// twins puts in what others made beside ours and called the same.
func (w *world) twins() {
	for _, i := range w.stack.instances() {
		if w.random.IntN(3) == 0 && (i.block.typ == "net" || i.block.typ == "disk") {
			w.foreign(i)
		}
	}
}

func (w *world) foreign(i instance) {
	c := w.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := kinds[i.block.typ]
	o := c.put(&object{id: c.next("foreign"), kind: kind, foreign: true, fields: map[string]any{"name": i.name(), "displaytext": i.block.label, "gateway": i.block.sort}})
	w.schedule.note("somebody made %s, called %s as ours", o.id, i.name())
}

// allowTwins lets what is replaced the other way round be there twice.
func (w *world) allowTwins() {
	w.cloud.mu.Lock()
	defer w.cloud.mu.Unlock()
	for _, i := range w.stack.instances() {
		if i.block.before || i.block.typ == "image" {
			w.cloud.mayTwin[kinds[i.block.typ]+" "+i.cloudName()] = true
		}
	}
}

// meddle changes the cloud behind the program's back.
func (w *world) meddle() {
	all := w.stack.instances()
	if len(all) == 0 {
		return
	}
	i := all[w.random.IntN(len(all))]
	c := w.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	row := w.disk.snap.Objects[state.Key{Addr: i.addr}]
	if row == nil || c.objects[row.ID] == nil {
		return
	}
	o := c.objects[row.ID]
	switch {
	case w.random.IntN(2) == 0 && i.block.typ == "net":
		w.schedule.note("somebody changed %s", o.id)
		o.fields["displaytext"] = "drifted"
	case i.block.typ == "group" || i.block.typ == "disk":
		w.schedule.note("somebody removed %s", o.id)
		delete(c.objects, o.id)
	}
}

// seeded makes the ids of operations come from the seed.
type seeded struct {
	mu     sync.Mutex // guards random
	random *rand.ChaCha8
}

func (s *seeded) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Read(p)
}

// end kills what still runs and lets it come to its end.
func (w *world) end() {
	w.schedule.close()
	if w.files != nil {
		defer w.closeFiles()
	}
	for _, p := range w.processes {
		p.kill(false)
	}
	time.Sleep(time.Hour)
	synctest.Wait()
}

func (w *world) closeFiles() {
	if err := w.files.close(); err != nil {
		w.schedule.note("the files cannot be closed: %v", err)
	}
	synctest.Wait()
}
