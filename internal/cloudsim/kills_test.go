package cloudsim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// kills is a cloud in a process of its own that is killed again and again, and what it has acknowledged.
type kills struct {
	t       *testing.T
	dir     string
	random  *rand.Rand
	zone    string
	offered string
	names   map[string]string   // by network: the display text that was last acknowledged
	tried   map[string][]string // by network: those that were sent and not answered since the last that was
	gone    map[string]bool     // whose end was acknowledged
	dying   map[string]bool     // whose end was asked for and not answered
	jobs    map[string]bool     // acknowledged and not yet seen to end
}

// TestKills kills a serving process at random moments under load, a thousand times in the soak: after each restart every acknowledged
// network and change is there, nothing that was deleted is back, and every job that was running comes to its end.
func TestKills(t *testing.T) {
	t.Parallel()
	clouds, times := 1, 3
	if soak() {
		clouds, times = 20, 50
	}
	for n := range clouds {
		t.Run(fmt.Sprint(n), func(t *testing.T) { killed(t, uint64(n), times) })
	}
}

// killed lets one cloud die many times.
func killed(t *testing.T, seed uint64, times int) {
	k := &kills{t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(7, seed)), names: make(map[string]string), tried: make(map[string][]string),
		gone: make(map[string]bool), dying: make(map[string]bool), jobs: make(map[string]bool)}
	changes, ended := 0, 0
	for n := range times {
		cloud, kill := k.start()
		ended += k.check(cloud)
		changes += k.work(cloud, kill)
		if t.Failed() {
			t.Fatalf("after %d kills", n)
		}
	}
	cloud, kill := k.start()
	ended += k.check(cloud)
	kill()
	t.Logf("%d kills, %d acknowledged changes, %d jobs carried over to their end", times, changes, ended)
}

// start runs the cloud in a child process.
func (k *kills) start() (cloud childCloud, kill func()) {
	k.t.Helper()
	child := exec.CommandContext(k.t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+k.dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		k.t.Fatal(err)
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&cloud); err != nil {
		k.t.Fatalf("the cloud did not start: %v", err)
	}
	return cloud, func() {
		if err := child.Process.Kill(); err != nil {
			k.t.Error(err)
		}
		_ = child.Wait() // it was killed: that it says so is no news
	}
}

// check holds a restarted cloud to what was acknowledged before, and waits for the jobs. It returns how many of them ended.
func (k *kills) check(cloud childCloud) int {
	k.t.Helper()
	if k.zone == "" {
		k.zone = mustRaw(k.t, cloud, "listZones")["zone"].([]any)[0].(map[string]any)["id"].(string)
		k.offered = mustRaw(k.t, cloud, "listNetworkOfferings", "name", sourceNATOffering)["networkoffering"].([]any)[0].(map[string]any)["id"].(string)
	}
	ended := len(k.jobs)
	for id := range k.jobs {
		k.finish(cloud, id)
	}
	clear(k.jobs)
	there := make(map[string]string)
	networks, _ := mustRaw(k.t, cloud, "listNetworks", "listall", "true")["network"].([]any)
	for _, n := range networks {
		o, _ := n.(map[string]any)
		there[text(o, "id")] = text(o, "displaytext")
	}
	for id, want := range k.names {
		got, ok := there[id]
		switch {
		case !ok && k.dying[id]:
			delete(k.names, id)
			k.gone[id] = true
		case !ok:
			k.t.Errorf("network %s was acknowledged and is gone", id)
		case got != want && !slices.Contains(k.tried[id], got):
			k.t.Errorf("network %s says %q, acknowledged was %q, tried %q", id, got, want, k.tried[id])
		}
	}
	for id := range there {
		if k.gone[id] {
			k.t.Errorf("network %s was deleted and is back", id)
		}
	}
	for id := range k.dying { // its end may still be under way
		delete(k.names, id)
	}
	clear(k.dying)
	return ended
}

// finish waits until a job has ended well.
func (k *kills) finish(cloud childCloud, id string) {
	k.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		job := mustRaw(k.t, cloud, "queryAsyncJobResult", "jobid", id)
		switch {
		case job["jobstatus"] == float64(JobSucceeded):
			return
		case job["jobstatus"] != float64(JobPending):
			k.t.Errorf("job %s failed: %v", id, job)
			return
		case time.Now().After(deadline):
			k.t.Fatalf("job %s does not end", id)
		}
		tick := time.NewTimer(5 * time.Millisecond)
		<-tick.C
	}
}

// work makes changes until the kill, which comes at a random moment after the first. It returns how many were acknowledged.
func (k *kills) work(cloud childCloud, kill func()) int {
	k.t.Helper()
	if !k.change(cloud, 0) {
		k.t.Error("a cloud that is not killed refuses a change")
	}
	done := make(chan struct{})
	after := time.Duration(k.random.IntN(60)) * time.Millisecond
	go func() {
		defer close(done)
		timer := time.NewTimer(after)
		defer timer.Stop()
		<-timer.C
		kill()
	}()
	acknowledged := 1
	for i := 1; k.change(cloud, i); i++ {
		acknowledged++
	}
	<-done
	return acknowledged
}

// change sends one change; false if it was not answered.
func (k *kills) change(cloud childCloud, i int) bool {
	ids := slices.Sorted(maps.Keys(k.names))
	note := fmt.Sprintf("text %d of %d", i, k.random.Uint32())
	switch choice := k.random.IntN(4); {
	case len(ids) < 5 || choice == 0 && len(ids) < 40:
		body, err := cloud.raw("createNetwork", "name", "n", "displaytext", note, "zoneid", k.zone, "networkofferingid", k.offered)
		if err != nil {
			return false
		}
		network, _ := body["network"].(map[string]any)
		k.names[text(network, "id")] = note
		return true
	case choice == 1:
		id := ids[k.random.IntN(len(ids))]
		k.dying[id] = true
		return k.asynchronous(cloud, func() { delete(k.names, id); k.gone[id] = true }, "deleteNetwork", "id", id)
	default:
		id := ids[k.random.IntN(len(ids))]
		k.tried[id] = append(k.tried[id], note)
		return k.asynchronous(cloud, func() { k.names[id] = note; delete(k.tried, id) }, "updateNetwork", "id", id, "displaytext", note)
	}
}

// asynchronous starts a job. Once it is acknowledged its outcome counts, whenever it comes: jobs of a network keep their order.
func (k *kills) asynchronous(cloud childCloud, acknowledged func(), command string, kv ...string) bool {
	started, err := cloud.raw(command, kv...)
	if err != nil {
		return false
	}
	id, _ := started["jobid"].(string)
	k.jobs[id] = true
	acknowledged()
	return true
}
