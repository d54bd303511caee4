package cloudstack

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	one := ok(`{"r":{"count":1,"virtualmachine":[{"id":"vm1"}]}}`)
	unknown := refusal(431, "Invalid parameter id value=vm1 due to incorrect long value format, or entity does not exist or due to")
	parentGone := refusal(431, "Invalid parameter ipaddressid value=a due to incorrect long value format, or entity does not exist or due to")
	open := func(change func(*OpenCall)) OpenCall {
		call := OpenCall{Key: "deploy", Command: "deployVirtualMachine", Identity: deploy.Identity}
		change(&call)
		return call
	}
	for name, tc := range map[string]struct {
		call   OpenCall
		script map[string][]reply
		want   Settled
		fails  string
		reason string
	}{
		"id known, there": {
			open(func(c *OpenCall) { c.ID = "vm1" }), map[string][]reply{"listVirtualMachines": {one}},
			Settled{Status: Adopted, ID: "vm1"}, "", "",
		},
		"id known, gone": {
			open(func(c *OpenCall) { c.ID = "vm1" }), map[string][]reply{"listVirtualMachines": {unknown}},
			Settled{Status: Gone, ID: "vm1"}, "", "",
		},
		"id known, cloud broken": {
			open(func(c *OpenCall) { c.ID = "vm1" }), map[string][]reply{"listVirtualMachines": {refusal(531, "no")}},
			Settled{}, "no (531)", "an error is never taken as gone",
		},
		"job known, ended well": {
			open(func(c *OpenCall) { c.Job = "j1" }), map[string][]reply{"queryAsyncJobResult": {ok(jobRuns), ok(jobGood)}, "listVirtualMachines": {one}},
			Settled{Status: Adopted, ID: "vm1", Job: "j1"}, "", "",
		},
		"id known, job runs": {
			open(func(c *OpenCall) { c.ID, c.Job = "vm1", "j1" }),
			map[string][]reply{"queryAsyncJobResult": {ok(jobRuns), ok(jobGood)}, "listVirtualMachines": {one}},
			Settled{Status: Adopted, ID: "vm1", Job: "j1"}, "", "an object is not read half made",
		},
		"job known, forgotten": {
			open(func(c *OpenCall) { c.Job = "j1" }), map[string][]reply{"queryAsyncJobResult": {refusal(431, "no job")}, "listVirtualMachines": {ok(mine)}},
			Settled{Status: Adopted, ID: "vm1", Job: "j1"}, "", "the marker tells",
		},
		"job known, failed": {
			open(func(c *OpenCall) { c.Job = "j1" }), map[string][]reply{"queryAsyncJobResult": {ok(jobBad)}, "listVirtualMachines": {ok(nobody)}},
			Settled{Status: Absent, Job: "j1"}, "", "",
		},
		"marker, found":     {open(func(*OpenCall) {}), map[string][]reply{"listVirtualMachines": {ok(mine)}}, Settled{Status: Adopted, ID: "vm1"}, "", ""},
		"marker, not found": {open(func(*OpenCall) {}), map[string][]reply{"listVirtualMachines": {ok(nobody)}}, Settled{Status: Absent}, "", ""},
		"marker, two": {
			open(func(*OpenCall) {}), map[string][]reply{"listVirtualMachines": {ok(twice)}},
			Settled{Status: Ambiguous, Candidates: []string{"vm0", "vm1"}}, "", "two are shown to the user, never adopted",
		},
		"serial, one more": {
			open(func(c *OpenCall) {
				c.Identity = Identity{Kind: Serial, List: "listVirtualMachines", Result: "virtualmachine", Before: []string{"other"}}
			}), map[string][]reply{"listVirtualMachines": {ok(mine)}}, Settled{Status: Adopted, ID: "vm1"}, "", "",
		},
		"serial, two more": {
			open(func(c *OpenCall) {
				c.Identity = Identity{Kind: Serial, List: "listVirtualMachines", Result: "virtualmachine"}
			}), map[string][]reply{"listVirtualMachines": {ok(mine)}}, Settled{Status: Ambiguous, Candidates: []string{"other", "vm1"}}, "", "",
		},
		"natural, its address is gone": {
			OpenCall{Key: "fw", Command: "createFirewallRule", Identity: Identity{Kind: Natural, List: "listFirewallRules", Params: Params{"ipaddressid": "a"}, Result: "firewallrule"}},
			map[string][]reply{"listFirewallRules": {parentGone}}, Settled{Status: Absent}, "", "children go with their parent",
		},
		"repeat": {
			OpenCall{Key: "stop", Command: "stopVirtualMachine", Identity: Identity{Kind: Repeat, Target: "vm1"}}, nil,
			Settled{Status: Absent, ID: "vm1"}, "", "",
		},
		"repeat, job runs": {
			OpenCall{Key: "stop", Command: "stopVirtualMachine", Job: "j1", Identity: Identity{Kind: Repeat, Target: "vm1"}},
			map[string][]reply{"queryAsyncJobResult": {ok(jobRuns), ok(jobBad)}}, Settled{Status: Absent, ID: "vm1", Job: "j1"}, "", "it is waited for: two at once disturb each other",
		},
		"none": {
			open(func(c *OpenCall) { c.Identity = Identity{Kind: None} }), nil, Settled{Status: Ambiguous}, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{answer: steps(tc.script)}
				c := newFake(t, f)
				tc.call.SentAt = time.Now()
				got, err := Settle(t.Context(), c, tc.call)
				if (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
					t.Fatalf("Settle: %v, want %q", err, tc.fails)
				}
				if err != nil {
					return
				}
				tc.want.Key, tc.want.Command = tc.call.Key, tc.call.Command
				got.Object, got.Why = nil, ""
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
				}
				for _, command := range f.commands() {
					if !strings.HasPrefix(command, "list") && !strings.HasPrefix(command, "query") {
						t.Errorf("recovery sent %s: it must change nothing", command)
					}
				}
			})
		})
	}
}

func TestSettleWaitsBeforeItSaysAbsent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		appears time.Duration
		want    Status
		took    time.Duration
	}{
		"late":  {30 * time.Second, Adopted, 40 * time.Second},
		"never": {time.Hour, Absent, 71 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{clock: time.Hour}
				began := time.Now()
				f.answer = steps(map[string][]reply{"listVirtualMachines": {ok(nobody)}})
				late := f.answer
				f.answer = func(command string, p url.Values) reply {
					if time.Since(began) > tc.appears {
						return ok(mine)
					}
					return late(command, p)
				}
				c := newFake(t, f, func(s *Settings) { s.SettleTime = 0 })
				if _, err := c.Read(t.Context(), "listVirtualMachines", nil); err != nil {
					t.Fatal(err)
				}
				got, err := Settle(t.Context(), c, OpenCall{Key: "deploy", Command: "deployVirtualMachine", Identity: deploy.Identity, SentAt: c.Now()})
				if err != nil || got.Status != tc.want {
					t.Fatalf("Settle = %s, %v; want %s", got.Status, err, tc.want)
				}
				if took := time.Since(began); took > tc.took {
					t.Errorf("took %s, want at most %s: compared in the server's time", took, tc.took)
				}
			})
		})
	}
}

func TestIdentityIsData(t *testing.T) {
	t.Parallel()
	want := Identity{Kind: Serial, List: "listConditions", Params: Params{"counterid": "c"}, Result: "condition", Match: map[string]string{"threshold": "70"}, Before: []string{"x"}, Target: "t"}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Identity
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after JSON (-want +got):\n%s", diff)
	}
}

func TestSerialListsBeforeTheCall(t *testing.T) {
	t.Parallel()
	f := &fakeCloud{answer: steps(map[string][]reply{
		"listConditions":  {ok(`{"r":{"count":1,"condition":[{"id":"old","threshold":70}]}}`)},
		"createCondition": {ok(`{"conditionresponse":{"condition":{"id":"new"}}}`)},
	})}
	j := &memoryJournal{}
	m := Mutation{Key: "c", Command: "createCondition", Identity: Identity{Kind: Serial, List: "listConditions", Result: "condition", Match: map[string]string{"threshold": "70"}}}
	if _, err := newFake(t, f).With(j).Call(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"old"}, j.intents[0].Identity.Before); diff != "" {
		t.Errorf("ids before the call, in the intent (-want +got):\n%s", diff)
	}
}
