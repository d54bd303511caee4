package cloudsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// withCommand adds a command to one cloud; its name must be in the API table.
func withCommand(c *Cloud, name string, cmd command) {
	c.gate.Lock()
	defer c.gate.Unlock()
	c.commands[name] = cmd
}

func TestPanicsAreFailures(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var logged []string
	c := startCloud(t, Options{Log: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		logged = append(logged, fmt.Sprintf(format, args...))
	}})
	withCommand(c, "createPod", command{run: func(*Call) (any, error) { panic("boom") }})
	withCommand(c, "updateVPC", command{kinds: map[string]kind{"id": kindAny}, start: startNothing, job: func(call *Call) (Obj, error) {
		return nil, call.Unlocked(func(context.Context) error { panic("bang") })
	}})
	if r := call(t, c, "admin", "createPod", "zoneid", must(t, c, "admin", "listZones").items("zone")[0]["id"].(string), "name", "p", "gateway", "g", "netmask", "n", "startip", "s"); r.status != 530 || !strings.Contains(r.text(), "boom") {
		t.Errorf("a handler that panics: got %d %s", r.status, r.raw)
	}
	if r := await(t, c, "admin", must(t, c, "admin", "updateVPC", "id", "x")); !strings.Contains(r.text(), "bang") {
		t.Errorf("a job that panics: got %v", r.body)
	}
	makeNetwork(t, c, "admin", "still-alive")
	mu.Lock()
	defer mu.Unlock()
	if len(logged) != 2 || !strings.Contains(logged[0], "createPod panicked: boom") {
		t.Errorf("log: got %q", logged)
	}
}

// TestCommittedWorkOfAFailedJob: what a job commits stays, and its notices go out, even if the job fails afterwards.
func TestCommittedWorkOfAFailedJob(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	told := make(chan string, 2)
	withCommand(c, "updateVPC", command{kinds: map[string]kind{"id": kindAny}, start: startNothing, job: func(call *Call) (Obj, error) {
		call.Tags.Put(Tag{Base: call.Tags.NewBase(), Owner: call.Job.Owner, Key: "kept"})
		call.AfterCommit(func() { told <- "kept" })
		if err := call.Commit(); err != nil {
			return nil, err
		}
		call.Tags.Put(Tag{Base: call.Tags.NewBase(), Owner: call.Job.Owner, Key: "undone"})
		call.AfterCommit(func() { told <- "undone" })
		return nil, Invalid("no")
	}})
	await(t, c, "admin", must(t, c, "admin", "updateVPC", "id", "x"))
	if tags := must(t, c, "admin", "listTags").items("tag"); len(tags) != 1 || tags[0]["key"] != "kept" {
		t.Errorf("tags: got %v", tags)
	}
	if got := <-told; got != "kept" || len(told) != 0 {
		t.Errorf("notices: got %q and %d more", got, len(told))
	}
}

func TestLogIsCompactedWhileRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startCloud(t, Options{Dir: dir})
	network := makeNetwork(t, c, "admin", "web")
	c.mu.Lock()
	c.store.wal.limit = c.store.wal.size + 1<<12
	c.mu.Unlock()
	for i := range 40 {
		mustJob(t, c, "admin", "updateNetwork", "id", network, "name", fmt.Sprintf("web-%d", i))
	}
	c.mu.Lock()
	size, limit := c.store.wal.size, c.store.wal.limit
	c.mu.Unlock()
	if info, err := os.Stat(filepath.Join(dir, walName)); err != nil || info.Size() != size || limit < minLogLimit {
		t.Errorf("after compaction: file %v, counted %d, limit %d (%v)", info, size, limit, err)
	}
	crash(t, c)
	second := startCloud(t, Options{Dir: dir})
	if n := must(t, second, "admin", "listNetworks").items("network"); len(n) != 1 || n[0]["name"] != "web-39" {
		t.Errorf("after the restart: got %v", n)
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{Guard: func(command string, _ Params) error {
		if command == "createTags" {
			return errors.New("no intent was announced for createTags")
		}
		return nil
	}})
	network := makeNetwork(t, c, "admin", "web")
	r := call(t, c, "admin", "createTags", "resourceids", network, "resourcetype", "Network", "tags[0].key", "k", "tags[0].value", "v")
	if r.status != 530 || r.text() != "no intent was announced for createTags" {
		t.Errorf("got %d %s", r.status, r.raw)
	}
	if len(c.Audit()) != 1 {
		t.Errorf("a refused call was processed: %+v", c.Audit())
	}
}
