package cloudstack

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var deploy = Mutation{
	Key: "deploy", Command: "deployVirtualMachine", Params: Params{"name": "web"}, Result: "virtualmachine",
	Identity: Identity{Kind: Marker, List: "listVirtualMachines", Result: "virtualmachine", Match: map[string]string{"details.moldctl.op": "OP"}},
}

const (
	jobRuns  = `{"queryasyncjobresultresponse":{"jobid":"j1","jobstatus":0,"jobprocstatus":0,"jobresultcode":0}}`
	jobGood  = `{"queryasyncjobresultresponse":{"jobid":"j1","jobstatus":1,"jobresult":{"virtualmachine":{"id":"vm1","state":"Running"}}}}`
	jobBad   = `{"queryasyncjobresultresponse":{"jobid":"j1","jobstatus":2,"jobresultcode":533,"jobresult":{"errorcode":533,"errortext":"No destination found"}}}`
	deployed = `{"deployvirtualmachineresponse":{"id":"vm1","jobid":"j1"}}`
	mine     = `{"r":{"count":2,"virtualmachine":[{"id":"other","details":{}},{"id":"vm1","state":"Running","details":{"moldctl.op":"OP"}}]}}`
	twice    = `{"r":{"count":2,"virtualmachine":[{"id":"vm0","details":{"moldctl.op":"OP"}},{"id":"vm1","details":{"moldctl.op":"OP"}}]}}`
	nobody   = `{"r":{}}`
)

func TestCall(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script  map[string][]reply
		change  func(*Mutation)
		id      string
		fails   string
		journal []string
		sent    int // times the change itself was sent
		reason  string
	}{
		"asynchronous": {
			script:  map[string][]reply{"deployVirtualMachine": {ok(deployed)}, "queryAsyncJobResult": {ok(jobRuns), ok(jobRuns), ok(jobGood)}},
			id:      "vm1",
			journal: []string{"intent deploy", "checkpoint deploy id=vm1 job=j1", "checkpoint deploy id=vm1 job=j1 done"},
			sent:    1,
		},
		"synchronous": {
			script:  map[string][]reply{"deployVirtualMachine": {ok(`{"x":{"virtualmachine":{"id":"vm1"}}}`)}},
			id:      "vm1",
			journal: []string{"intent deploy", "checkpoint deploy id=vm1 job= done"},
			sent:    1,
		},
		"id only in the job": {
			script:  map[string][]reply{"deployVirtualMachine": {ok(`{"x":{"jobid":"j1"}}`)}, "queryAsyncJobResult": {ok(jobGood)}},
			id:      "vm1",
			journal: []string{"intent deploy", "checkpoint deploy id= job=j1", "checkpoint deploy id=vm1 job=j1 done"},
			sent:    1,
		},
		"refused": {
			script:  map[string][]reply{"deployVirtualMachine": {refusal(431, "exists")}},
			fails:   "deployVirtualMachine: exists (431)",
			journal: []string{"intent deploy", "checkpoint deploy id= job= done failed"},
			sent:    1,
		},
		"internal error": {
			script:  map[string][]reply{"deployVirtualMachine": {refusal(530, "db")}},
			fails:   "db (530)",
			journal: []string{"intent deploy"},
			sent:    1,
			reason:  "it proves nothing, so the call stays open",
		},
		"job fails": {
			script:  map[string][]reply{"deployVirtualMachine": {ok(deployed)}, "queryAsyncJobResult": {ok(jobBad)}},
			fails:   "deployVirtualMachine: No destination found (533, job j1)",
			journal: []string{"intent deploy", "checkpoint deploy id=vm1 job=j1", "checkpoint deploy id=vm1 job=j1 done failed"},
			sent:    1,
			reason:  "the id stays known: the machine is there in state Error",
		},
		"overloaded": {
			script:  map[string][]reply{"deployVirtualMachine": {refusal(503, "busy"), refusal(429, "busy"), ok(deployed)}, "queryAsyncJobResult": {ok(jobGood)}},
			id:      "vm1",
			journal: []string{"intent deploy", "checkpoint deploy id=vm1 job=j1", "checkpoint deploy id=vm1 job=j1 done"},
			sent:    3,
		},
		"connection refused in between": {
			script:  map[string][]reply{"deployVirtualMachine": {refusal(503, "busy"), {err: dialRefused()}, ok(deployed)}, "queryAsyncJobResult": {ok(jobGood)}},
			id:      "vm1",
			journal: []string{"intent deploy", "checkpoint deploy id=vm1 job=j1", "checkpoint deploy id=vm1 job=j1 done"},
			sent:    3,
			reason:  "a refused connection proves that nothing was sent",
		},
		"answer lost, was carried out": {
			script:  map[string][]reply{"deployVirtualMachine": {{err: errReset}}, "listVirtualMachines": {ok(mine)}},
			id:      "vm1",
			journal: []string{"intent deploy", "checkpoint deploy id=vm1 job= done"},
			sent:    1,
			reason:  "the marker finds it, so it is not made twice",
		},
		"answer lost, was not carried out": {
			script:  map[string][]reply{"deployVirtualMachine": {{err: errReset}, ok(deployed)}, "listVirtualMachines": {ok(nobody)}, "queryAsyncJobResult": {ok(jobGood)}},
			id:      "vm1",
			journal: []string{"intent deploy", "intent deploy", "checkpoint deploy id=vm1 job=j1", "checkpoint deploy id=vm1 job=j1 done"},
			sent:    2,
		},
		"answer lost, two fit": {
			script:  map[string][]reply{"deployVirtualMachine": {{err: errReset}}, "listVirtualMachines": {ok(twice)}},
			fails:   "connection reset",
			journal: []string{"intent deploy"},
			sent:    1,
			reason:  "two candidates are never adopted, and nothing is sent again",
		},
		"answer lost, nothing tells": {
			script:  map[string][]reply{"deployVirtualMachine": {{err: errReset}}},
			change:  func(m *Mutation) { m.Identity = Identity{Kind: None} },
			fails:   "connection reset",
			journal: []string{"intent deploy"},
			sent:    1,
		},
		"answer of a proxy": {
			script:  map[string][]reply{"deployVirtualMachine": {{status: 504, body: "<html>", kind: "text/html"}}, "listVirtualMachines": {ok(mine)}},
			id:      "vm1",
			journal: []string{"intent deploy", "checkpoint deploy id=vm1 job= done"},
			sent:    1,
		},
		"says that it did not succeed": {
			script:  map[string][]reply{"deployVirtualMachine": {ok(`{"x":{"success":"false","displaytext":"tough"}}`)}},
			fails:   "tough",
			journal: []string{"intent deploy"},
			sent:    1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{answer: steps(tc.script)}
				j := &memoryJournal{}
				m := deploy
				if tc.change != nil {
					tc.change(&m)
				}
				got, err := newFake(t, f).With(j).Call(t.Context(), m)
				if got.ID() != tc.id || (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("Call = %v, %v; want id %q, error %q: %s", got, err, tc.id, tc.fails, tc.reason)
				}
				if diff := cmp.Diff(tc.journal, j.entries); diff != "" {
					t.Errorf("journal (-want +got): %s\n%s", tc.reason, diff)
				}
				if got := f.count("deployVirtualMachine"); got != tc.sent {
					t.Errorf("sent %d times, want %d: %s", got, tc.sent, tc.reason)
				}
			})
		})
	}
}

func TestCallNeedsAJournal(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	for name, c := range map[string]func(*Client) *Client{
		"none":   func(c *Client) *Client { return c },
		"broken": func(c *Client) *Client { return c.With(&memoryJournal{fail: full}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeCloud{answer: steps(nil)}
			if _, err := c(newFake(t, f)).Call(t.Context(), deploy); err == nil || name == "broken" && !errors.Is(err, full) {
				t.Errorf("Call: %v, want a refusal", err)
			}
			if len(f.sent) != 0 {
				t.Errorf("%d requests were sent before the intent was durable", len(f.sent))
			}
		})
	}
}

func TestCallOfAnInterruptedOperation(t *testing.T) {
	t.Parallel()
	object := ok(`{"r":{"count":1,"virtualmachine":[{"id":"vm1","state":"Running"}]}}`)
	for name, tc := range map[string]struct {
		settled Settled
		change  func(*Mutation)
		script  map[string][]reply
		sent    int
		fails   bool
		reason  string
	}{
		"it happened": {
			settled: Settled{Key: "deploy", Status: Adopted, ID: "vm1"},
			script:  map[string][]reply{"listVirtualMachines": {object}},
		},
		"its job still runs": {
			settled: Settled{Key: "deploy", Status: Adopted, ID: "vm1", Job: "j1"},
			script:  map[string][]reply{"queryAsyncJobResult": {ok(jobRuns), ok(jobGood)}},
		},
		"its job failed": {
			settled: Settled{Key: "deploy", Status: Adopted, ID: "vm1", Job: "j1"},
			script:  map[string][]reply{"queryAsyncJobResult": {ok(jobBad)}},
			fails:   true,
		},
		"its job is forgotten": {
			settled: Settled{Key: "deploy", Status: Adopted, ID: "vm1", Job: "j1"},
			script:  map[string][]reply{"queryAsyncJobResult": {refusal(431, "no such job")}, "listVirtualMachines": {object}},
			reason:  "a missing job proves nothing; the object does",
		},
		"it did not happen": {
			settled: Settled{Key: "deploy", Status: Absent},
			script:  map[string][]reply{"deployVirtualMachine": {ok(deployed)}, "queryAsyncJobResult": {ok(jobGood)}},
			sent:    1,
		},
		"another call": {
			settled: Settled{Key: "other", Status: Adopted, ID: "vm9"},
			script:  map[string][]reply{"deployVirtualMachine": {ok(deployed)}, "queryAsyncJobResult": {ok(jobGood)}},
			sent:    1,
		},
		"may be repeated": {
			settled: Settled{Key: "deploy", Status: Adopted, ID: "vm1"},
			change:  func(m *Mutation) { m.Identity = Identity{Kind: Repeat} },
			script:  map[string][]reply{"deployVirtualMachine": {ok(deployed)}, "queryAsyncJobResult": {ok(jobGood)}},
			sent:    1,
			reason:  "between the runs anything may have happened to the object",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{answer: steps(tc.script)}
				m := deploy
				if tc.change != nil {
					tc.change(&m)
				}
				got, err := newFake(t, f).With(&memoryJournal{}, tc.settled).Call(t.Context(), m)
				if (err != nil) != tc.fails || err == nil && (got.ID() != "vm1" || got.Str("state") != "Running") {
					t.Errorf("Call = %v, %v; want vm1, error %v: %s", got, err, tc.fails, tc.reason)
				}
				if got := f.count("deployVirtualMachine"); got != tc.sent {
					t.Errorf("sent %d times, want %d: %s", got, tc.sent, tc.reason)
				}
			})
		})
	}
}

func TestCallInterruptedWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeCloud{answer: steps(map[string][]reply{"deployVirtualMachine": {ok(deployed)}, "queryAsyncJobResult": {ok(jobRuns)}})}
		j := &memoryJournal{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := newFake(t, f).With(j).Call(ctx, deploy)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Call: %v, want it to end with the context", err)
		}
		if diff := cmp.Diff([]string{"intent deploy", "checkpoint deploy id=vm1 job=j1"}, j.entries); diff != "" {
			t.Errorf("the call must stay open, with its job (-want +got):\n%s", diff)
		}
		if polls := f.count("queryAsyncJobResult"); polls > 120 {
			t.Errorf("%d polls in a minute", polls)
		}
	})
}

func TestPollingLearns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		f := &fakeCloud{answer: func(command string, _ url.Values) reply {
			if command == "deployVirtualMachine" {
				done.Store(time.Now().Add(3 * time.Second).UnixNano())
				return ok(deployed)
			}
			if time.Now().UnixNano() < done.Load() {
				return ok(jobRuns)
			}
			return ok(jobGood)
		}}
		c := newFake(t, f).With(&memoryJournal{})
		var polls []int
		for range 3 {
			before := f.count("queryAsyncJobResult")
			if _, err := c.Call(t.Context(), deploy); err != nil {
				t.Fatal(err)
			}
			polls = append(polls, f.count("queryAsyncJobResult")-before)
		}
		if polls[1] > 2 || polls[2] > 2 || polls[0] > 60 {
			t.Errorf("polls of three equal jobs = %v, want at most 2 once the duration is known", polls)
		}
	})
}

func TestOneChangePerAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var flight, most atomic.Int64
		f := &fakeCloud{answer: func(string, url.Values) reply {
			most.Store(max(most.Load(), flight.Add(1)))
			time.Sleep(time.Second) // the fake's time: nothing really sleeps
			flight.Add(-1)
			return ok(`{"x":{"firewallrule":{"id":"f"}}}`)
		}}
		c := newFake(t, f).With(&memoryJournal{})
		run := func(addresses ...string) time.Duration {
			began := time.Now()
			var wg sync.WaitGroup
			for _, a := range addresses {
				wg.Go(func() {
					if _, err := c.Call(t.Context(), Mutation{Key: "k", Command: "createFirewallRule", Identity: Identity{Kind: None}, Serial: []string{a}}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return time.Since(began)
		}
		if took := run("a", "a", "a"); took != 3*time.Second || most.Load() != 1 {
			t.Errorf("three changes of one address took %s, %d at once; want one after the other", took, most.Load())
		}
		if took := run("a", "b", "c"); took != time.Second {
			t.Errorf("changes of three addresses took %s, want them at once", took)
		}
		if len(c.permits.held) != 0 {
			t.Errorf("%d permits are left", len(c.permits.held))
		}
	})
}

func TestRouterStarting(t *testing.T) {
	t.Parallel()
	network := func(state string) reply {
		return ok(`{"r":{"count":1,"network":[{"id":"n1","state":"` + state + `"}]}}`)
	}
	rule := Mutation{Key: "rule", Command: "createFirewallRule", Network: "n1", Identity: Identity{Kind: Natural, List: "listFirewallRules", Result: "firewallrule"}}
	bad := ok(`{"q":{"jobstatus":2,"jobresult":{"errorcode":530,"errortext":"Failed to create firewall rule"}}}`)
	good := ok(`{"q":{"jobstatus":1,"jobresult":{"firewallrule":{"id":"f1"}}}}`)
	made := ok(`{"r":{"id":"f1","jobid":"j1"}}`)
	for name, tc := range map[string]struct {
		script map[string][]reply
		sent   int
		fails  bool
	}{
		"comes up": {map[string][]reply{
			"createFirewallRule": {made}, "queryAsyncJobResult": {bad, bad, good}, "listNetworks": {network("Implementing")}, "listFirewallRules": {ok(nobody)},
		}, 3, false},
		"never": {map[string][]reply{
			"createFirewallRule": {made}, "queryAsyncJobResult": {bad}, "listNetworks": {network("Implementing")}, "listFirewallRules": {ok(nobody)},
		}, 0, true},
		"is up: one more try": {map[string][]reply{
			"createFirewallRule": {made}, "queryAsyncJobResult": {bad}, "listNetworks": {network("Implemented")}, "listFirewallRules": {ok(nobody)},
		}, 2, true},
		"the rule is there all the same": {map[string][]reply{
			"createFirewallRule": {made}, "queryAsyncJobResult": {bad}, "listNetworks": {network("Implementing")}, "listFirewallRules": {ok(`{"r":{"count":1,"firewallrule":[{"id":"f1"}]}}`)},
		}, 1, true},
		"the network is gone": {map[string][]reply{
			"createFirewallRule": {made}, "queryAsyncJobResult": {bad}, "listNetworks": {ok(nobody)},
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{answer: steps(tc.script)}
				began := time.Now()
				_, err := newFake(t, f).With(&memoryJournal{}).Call(t.Context(), rule)
				if (err != nil) != tc.fails {
					t.Errorf("Call: %v, want an error: %v", err, tc.fails)
				}
				if sent := f.count("createFirewallRule"); tc.sent != 0 && sent != tc.sent {
					t.Errorf("sent %d times, want %d", sent, tc.sent)
				}
				if took := time.Since(began); took > 2*notYet {
					t.Errorf("gave up after %s", took)
				}
			})
		})
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(12)
		for range 200 {
			if err := l.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.release(outcomeOf{})
		}
		if l.limit != 12 {
			t.Errorf("limit after success = %d, want the most allowed, 12", l.limit)
		}
		for range 2 {
			if err := l.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.release(outcomeOf{busy: true})
		}
		if l.limit != 3 {
			t.Errorf("limit after two refusals = %d, want 3", l.limit)
		}
		for range 3 {
			if err := l.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a fourth request got in: %v", err)
		}
		got := make(chan error)
		go func() { got <- l.acquire(t.Context()) }()
		synctest.Wait()
		l.release(outcomeOf{})
		if err := <-got; err != nil {
			t.Errorf("the one that waited: %v", err)
		}
		if l.flight != 3 || len(l.waiting) != 0 {
			t.Errorf("%d in flight, %d waiting; want 3, 0", l.flight, len(l.waiting))
		}
	})
}
