package autoscale

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

// templates are the templates of the group's members, sorted.
func (s *scaler) templates() []string {
	var out []string
	for _, m := range s.machines {
		out = append(out, m["templateid"].(string))
	}
	slices.Sort(out)
	return out
}

func TestRollout(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change    func(*Group, *scaler)
		template  string
		templates []string
		enabled   []string // bounds at each enable
		least     int
		fails     string
	}{
		"surge by one": {
			change: func(*Group, *scaler) {}, template: "tmpl-2",
			templates: []string{"tmpl-2", "tmpl-2"}, enabled: []string{"3-4", "3-4", "2-4"}, least: 2,
		},
		"surge of all": {
			change: func(g *Group, _ *scaler) { g.Rollout.MaxSurge = "100%" }, template: "tmpl-2",
			templates: []string{"tmpl-2", "tmpl-2"}, enabled: []string{"4-4", "2-4"}, least: 2,
		},
		"surge above the most": {
			change: func(g *Group, _ *scaler) { g.MaxMembers = 2 }, template: "tmpl-2",
			templates: []string{"tmpl-2", "tmpl-2"}, enabled: []string{"3-3", "3-3", "2-2"}, least: 2,
		},
		"replace": {
			change: func(g *Group, _ *scaler) { g.Rollout.Strategy = "replace" }, template: "tmpl-2",
			templates: []string{"tmpl-2", "tmpl-2"}, enabled: []string{"2-4", "2-4", "2-4"}, least: 1,
		},
		"none": {
			change: func(g *Group, _ *scaler) { g.Rollout.Strategy = "none" }, template: "tmpl-2",
			templates: []string{"tmpl-1", "tmpl-1"}, enabled: []string{"2-4"}, least: 99,
		},
		"user data": {
			change: func(g *Group, _ *scaler) { text := "#cloud-config\n"; g.UserData = &text }, template: "tmpl-1",
			templates: []string{"tmpl-1", "tmpl-1"}, enabled: []string{"3-4", "3-4", "2-4"}, least: 2,
		},
		"new members never run, go back": {
			change: func(_ *Group, s *scaler) { s.broken = "tmpl-2" }, template: "tmpl-2",
			templates: []string{"tmpl-1", "tmpl-1"}, enabled: []string{"3-4", "2-4"}, least: 2, fails: "all members are as before again",
		},
		"new members never run, leave it": {
			change: func(g *Group, s *scaler) { s.broken, g.Rollout.OnFailure = "tmpl-2", "abort" }, template: "tmpl-2",
			templates: []string{"tmpl-1", "tmpl-1", "tmpl-2"}, enabled: []string{"3-4", "2-4"}, least: 99, fails: "side by side",
		},
		"template not ready": {
			change: func(*Group, *scaler) {}, template: "tmpl-unready",
			templates: []string{"tmpl-1", "tmpl-1"}, enabled: []string{"2-4"}, least: 99, fails: "cannot be deployed yet",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, prior, k := existing(t)
			old := s.machines[0]["id"]
			plan := prior
			how := *prior.Rollout
			plan.Rollout = &how
			tc.change(&plan, s)
			_, err := handler{}.Update(t.Context(), s.request(k, tc.template), prior, plan)
			if (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Fatalf("Update: %v, want %q", err, tc.fails)
			}
			if diff := cmp.Diff(tc.templates, s.templates()); diff != "" {
				t.Errorf("members' templates (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.enabled, s.enabled); diff != "" {
				t.Errorf("bounds at each enable (-want +got):\n%s", diff)
			}
			if s.least != tc.least {
				t.Errorf("%d members took traffic at the least, want %d", s.least, tc.least)
			}
			if s.groups[0]["state"] != "ENABLED" || s.groups[0]["minmembers"] != plan.MinMembers || s.groups[0]["maxmembers"] != plan.MaxMembers {
				t.Errorf("the group ends as %v", s.groups[0])
			}
			if name == "user data" && (find(s.machines, old.(string)) != nil || s.profiles[0]["userdata"] != encoded("#cloud-config\n")) {
				t.Error("the members are the old ones, or the profile has not the new user data")
			}
		})
	}
}

func TestRolloutThatWasInterrupted(t *testing.T) {
	t.Parallel()
	s, prior, k := existing(t)
	// It died with the profile changed, one member replaced and another started, the group disabled with raised bounds, and one machine taken out but not destroyed.
	s.profiles[0]["templateid"] = "tmpl-2"
	s.machines[1]["templateid"] = "tmpl-2"
	s.groups[0]["state"], s.groups[0]["minmembers"] = "DISABLED", 3
	s.machines = append(s.machines, apifake.Object{"id": "vm-3", "state": "Running", "autoscalevmgroupid": "group-1", "templateid": "tmpl-2", "serviceofferingid": "so-1"})
	s.balanced = append(s.balanced, "vm-3")
	s.machines = append(s.machines, apifake.Object{"id": "vm-out", "state": "Running", "templateid": "tmpl-1"})
	seen, err := handler{}.Read(t.Context(), s.request(k, "tmpl-2"), prior)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Enabled || seen.MinMembers != 3 {
		t.Errorf("Read shows enabled %v, min %d; the plan must see what was left", seen.Enabled, seen.MinMembers)
	}
	plan := seen
	plan.Enabled, plan.MinMembers = true, 2
	evicted := cloudstack.Settled{Key: evictKey("vm-out"), Status: cloudstack.Absent, ID: "lb-1"}
	if _, err := (handler{}).Update(t.Context(), s.request(k, "tmpl-2", evicted), seen, plan); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"tmpl-2", "tmpl-2"}, s.templates()); diff != "" {
		t.Errorf("members' templates (-want +got):\n%s", diff)
	}
	if s.groups[0]["state"] != "ENABLED" || s.groups[0]["minmembers"] != 2 {
		t.Errorf("the group ends as %v", s.groups[0])
	}
}

func TestRolloutOfUserDataThatWasInterrupted(t *testing.T) {
	t.Parallel()
	s, prior, k := existing(t)
	text := "#cloud-config\n"
	s.profiles[0]["userdata"], s.machines[1]["userdata"] = encoded(text), encoded(text)
	s.groups[0]["state"] = "DISABLED"
	seen, err := handler{}.Read(t.Context(), s.request(k, "tmpl-1"), prior)
	if err != nil {
		t.Fatal(err)
	}
	plan := seen
	plan.Enabled = true
	if _, err := (handler{}).Update(t.Context(), s.request(k, "tmpl-1"), seen, plan); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.machines {
		if m["userdata"] != encoded(text) {
			t.Errorf("the member %s has user data of before", m["id"])
		}
	}
	if len(s.machines) != 2 || s.least < 2 {
		t.Errorf("%d members, %d took traffic at the least; want 2", len(s.machines), s.least)
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		n    int
		up   bool
		want int
	}{
		"number":       {"2", 5, true, 2},
		"rounded up":   {"25%", 5, true, 2},
		"rounded down": {"25%", 5, false, 1},
		"all":          {"100%", 3, true, 3},
		"none":         {"0", 3, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := share(tc.text, tc.n, tc.up); got != tc.want {
				t.Errorf("share = %d, want %d", got, tc.want)
			}
		})
	}
}
