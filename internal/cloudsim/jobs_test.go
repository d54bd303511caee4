package cloudsim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// settled waits, in real time, until a condition about the cloud holds.
func settled(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		tick := time.NewTimer(time.Millisecond)
		<-tick.C
	}
}

// advance moves the clock in small steps until a condition holds and returns how far that was.
func advance(t *testing.T, clock *ManualClock, what string, ok func() bool) time.Duration {
	t.Helper()
	start := clock.Now()
	settled(t, what, func() bool {
		if ok() {
			return true
		}
		clock.Advance(10 * time.Millisecond)
		return false
	})
	return clock.Now().Sub(start)
}

func TestJobsFollowTheClock(t *testing.T) {
	t.Parallel()
	clock := NewManualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	c := startCloud(t, Options{Latency: LatencyReal, Clock: clock})
	network := makeNetwork(t, c, "admin", "web")
	status := func(r result) float64 {
		return must(t, c, "admin", "queryAsyncJobResult", "jobid", r.str("jobid")).body["jobstatus"].(float64)
	}
	first := must(t, c, "admin", "updateNetwork", "id", network, "name", "one")
	second := must(t, c, "admin", "updateNetwork", "id", network, "name", "two")
	pending := must(t, c, "admin", "queryAsyncJobResult", "jobid", first.str("jobid"))
	for _, field := range []string{"jobresult", "jobresulttype", "completed"} {
		if pending.body[field] != nil {
			t.Errorf("a pending job has %s: %s", field, pending.raw)
		}
	}
	if r := must(t, c, "admin", "listAsyncJobs"); len(r.items("asyncjobs")) != 2 {
		t.Errorf("pending jobs: got %s", r.raw)
	}
	if d := advance(t, clock, "the first job ends", func() bool { return status(first) == JobSucceeded }); d < usualLatency {
		t.Errorf("the first job took %v, want at least %v", d, usualLatency)
	}
	if status(second) != JobPending {
		t.Error("jobs of one network ran at once")
	}
	if d := advance(t, clock, "the second job ends", func() bool { return status(second) == JobSucceeded }); d < usualLatency {
		t.Errorf("the second job took %v, want at least %v", d, usualLatency)
	}
	if r := must(t, c, "admin", "listNetworks"); r.items("network")[0]["name"] != "two" {
		t.Errorf("order: got %s", r.raw)
	}
	if r := must(t, c, "admin", "listAsyncJobs"); len(r.body) != 0 {
		t.Errorf("nothing pending: got %s", r.raw)
	}
	if r := call(t, c, "user", "queryAsyncJobResult", "jobid", first.str("jobid")); r.status != 531 {
		t.Errorf("another's job: got %d %s", r.status, r.raw)
	}
}

// TestAddressLock is the measured trap of rule calls on one address: the one that finds it locked sleeps five seconds.
func TestAddressLock(t *testing.T) {
	t.Parallel()
	clock := NewManualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	c := startCloud(t, Options{Latency: LatencyReal, Clock: clock})
	network := makeNetwork(t, c, "admin", "web")
	done := func(r result) func() bool {
		return func() bool {
			return must(t, c, "admin", "queryAsyncJobResult", "jobid", r.str("jobid")).body["jobstatus"] != float64(JobPending)
		}
	}
	address := must(t, c, "admin", "associateIpAddress", "networkid", network)
	advance(t, clock, "the address is there", done(address))
	open := func(port string) result {
		return must(t, c, "admin", "createFirewallRule", "ipaddressid", address.str("id"), "protocol", "tcp", "startport", port)
	}
	first, contender := open("80"), open("81")
	if d := advance(t, clock, "the first rule is there", done(first)); d >= addressLockWait {
		t.Errorf("the first rule took %v", d)
	}
	if d := advance(t, clock, "the contender is done", done(contender)); d < addressLockWait {
		t.Errorf("the contender took %v, want at least %v", d, addressLockWait)
	}
}

func TestFailedJobUndoesItsWork(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	network := makeNetwork(t, c, "admin", "web")
	other := makeNetwork(t, c, "admin", "db")
	mustJob(t, c, "admin", "createTags", "resourceids", other, "resourcetype", "Network", "tags[0].key", "env", "tags[0].value", "prod")
	r := await(t, c, "admin", must(t, c, "admin", "createTags", "resourceids", network+","+other, "resourcetype", "Network", "tags[0].key", "env", "tags[0].value", "test"))
	want := map[string]any{"errorcode": 530.0, "errortext": "tag env already on Network with id " + other}
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got := must(t, c, "admin", "listTags"); len(got.items("tag")) != 1 {
		t.Errorf("half of the failed call stayed: %s", got.raw)
	}
}
