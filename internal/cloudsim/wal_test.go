package cloudsim

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// crash ends a cloud as kill -9 does: nothing is flushed or finished, only the kernel's lock goes.
func crash(t *testing.T, c *Cloud) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel()
	c.api.Close()
	c.admin.Close()
	c.store.wal.file.Close()
	if err := c.unlockDir(); err != nil {
		t.Fatal(err)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startCloud(t, Options{Dir: dir})
	network := makeNetwork(t, first, "admin", "web")
	mustJob(t, first, "admin", "associateIpAddress", "networkid", network)
	before := must(t, first, "admin", "listNetworks").raw
	ips := must(t, first, "admin", "listPublicIpAddresses").raw
	keys, _ := first.Keys("user")
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second cloud on the folder: got %v, want ErrInUse", err)
	}
	crash(t, first)

	second := startCloud(t, Options{Dir: dir})
	if diff := cmp.Diff(before, must(t, second, "admin", "listNetworks").raw); diff != "" {
		t.Errorf("networks (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(ips, must(t, second, "admin", "listPublicIpAddresses").raw); diff != "" {
		t.Errorf("addresses (-before +after):\n%s", diff)
	}
	if after, _ := second.Keys("user"); after != keys || second.Token() != first.Token() {
		t.Error("keys or token changed")
	}
	if len(second.Audit()) != 2 {
		t.Errorf("audit log: got %d entries, want 2", len(second.Audit()))
	}
}

func TestPendingJobsGoOnAfterACrash(t *testing.T) {
	t.Parallel()
	dir, clock := t.TempDir(), NewManualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	first := startCloud(t, Options{Dir: dir, Latency: LatencyReal, Clock: clock})
	network := makeNetwork(t, first, "admin", "web")
	started := must(t, first, "admin", "associateIpAddress", "networkid", network)
	last := must(t, first, "admin", "updateNetwork", "id", network, "name", "renamed")
	crash(t, first)

	second := startCloud(t, Options{Dir: dir})
	if ip := await(t, second, "admin", started).object("ipaddress"); ip["id"] != started.str("id") {
		t.Errorf("the job's result: got %v", ip)
	}
	if n := await(t, second, "admin", last).object("network"); n["name"] != "renamed" {
		t.Errorf("the queued job's result: got %v", n)
	}
	if got := must(t, second, "admin", "listPublicIpAddresses").items("publicipaddress"); len(got) != 1 {
		t.Errorf("addresses: got %d, want 1", len(got))
	}
}

func TestTornLog(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tail   string
		refuse bool
		reason string
	}{
		"half a line":        {`{"s":99,"r":[{"t":"network","k":"x","v":{"na`, false, "a group torn by a kill never happened"},
		"half and a newline": {"{\"s\":99,\"r\":[{\"t\":\"net\n", false, "a block that reached the disk out of order"},
		"garbage inside":     {"{\"s\":99,\"r\":[{\"t\n{\"s\":100,\"r\":[]}\n", true, "damage in the middle must not be passed over"},
		"unknown table":      {"{\"s\":99,\"r\":[{\"t\":\"future\",\"k\":\"x\",\"v\":{}}]}\n{\"s\":100,\"r\":[]}\n", true, "data of a newer version"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first := startCloud(t, Options{Dir: dir})
			makeNetwork(t, first, "admin", "web")
			first.Close()
			f, err := os.OpenFile(filepath.Join(dir, walName), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(tt.tail); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			second, err := Start(t.Context(), Options{Dir: dir})
			if tt.refuse {
				if err == nil {
					second.Close()
					t.Errorf("%s: started", tt.reason)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.reason, err)
			}
			defer second.Close()
			if r := must(t, second, "admin", "listNetworks"); len(r.items("network")) != 1 {
				t.Errorf("%s: got %s", tt.reason, r.raw)
			}
		})
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	s := newStore(SystemClock(1))
	a := Tag{Base: s.Tags.NewBase(), Key: "a"}
	b := Tag{Base: s.Tags.NewBase(), Key: "b"}
	s.Tags.Put(a)
	s.Tags.Put(b)
	if _, err := s.commit(); err != nil {
		t.Fatal(err)
	}
	changed := a
	changed.Key = "changed"
	s.Tags.Put(changed)
	s.Tags.Delete(b.ID)
	s.Tags.Put(Tag{Base: s.Tags.NewBase(), Key: "new"})
	s.rollback()
	var keys []string
	for tag := range s.Tags.All() {
		keys = append(keys, tag.Key)
	}
	if diff := cmp.Diff([]string{"a", "b"}, keys); diff != "" {
		t.Errorf("after the rollback (-want +got):\n%s", diff)
	}
	s.Tags.Delete(a.ID)
	s.Tags.Put(Tag{Base: s.Tags.NewBase(), Key: "c"})
	keys = nil
	for tag := range s.Tags.All() {
		keys = append(keys, tag.Key)
	}
	if diff := cmp.Diff([]string{"b", "c"}, keys); diff != "" {
		t.Errorf("order after delete and insert (-want +got):\n%s", diff)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startCloud(t, Options{Dir: dir})
	makeNetwork(t, c, "admin", "web")
	old, _ := c.Keys("admin")
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := must(t, c, "admin", "listNetworks"); len(r.body) != 0 {
		t.Errorf("after the reset: got %s", r.raw)
	}
	if keys, _ := c.Keys("admin"); keys == old {
		t.Error("the reset kept the keys")
	}
	makeNetwork(t, c, "admin", "again")
	c.Close()
	second := startCloud(t, Options{Dir: dir})
	if r := must(t, second, "admin", "listNetworks"); len(r.items("network")) != 1 {
		t.Errorf("after reset and restart: got %s", r.raw)
	}
}

func TestFastClockGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startCloud(t, Options{Dir: dir, TimeScale: 1e6})
	makeNetwork(t, first, "admin", "web")
	last := first.Audit()[0].Created
	crash(t, first)
	second := startCloud(t, Options{Dir: dir})
	if now := second.clock.Now(); now.Before(last) {
		t.Errorf("time fell back from %v to %v", last, now)
	}
}

// TestDiskFailure: what cannot be written has not happened, and a half-written line does not spoil the log.
func TestDiskFailure(t *testing.T) {
	t.Parallel()
	t.Run("dead disk", func(t *testing.T) {
		t.Parallel()
		c := startCloud(t, Options{Dir: t.TempDir()})
		zone := must(t, c, "admin", "listZones").items("zone")[0]["id"].(string)
		offering := idOf(t, c, "admin", "listNetworkOfferings", "networkoffering", sourceNATOffering)
		c.mu.Lock()
		c.store.wal.file.Close()
		c.mu.Unlock()
		for range 2 {
			r := call(t, c, "admin", "createNetwork", "name", "web", "zoneid", zone, "networkofferingid", offering)
			if r.status != 530 {
				t.Errorf("a call that cannot be kept: got %d %s", r.status, r.raw)
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if n := c.store.Networks.Len(); n != 0 || !c.store.wal.broken.Load() {
			t.Errorf("got %d networks, broken %t", n, c.store.wal.broken.Load())
		}
	})
	t.Run("torn line", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		c := startCloud(t, Options{Dir: dir})
		makeNetwork(t, c, "admin", "before")
		c.mu.Lock()
		if _, err := c.store.wal.file.WriteString(`{"s":99,"r":[{"t":"net`); err != nil {
			t.Error(err)
		}
		if err := c.store.wal.cutBack(); err != nil {
			t.Error(err)
		}
		c.mu.Unlock()
		makeNetwork(t, c, "admin", "after")
		crash(t, c)
		second := startCloud(t, Options{Dir: dir})
		if r := must(t, second, "admin", "listNetworks"); len(r.items("network")) != 2 {
			t.Errorf("got %s", r.raw)
		}
	})
}
