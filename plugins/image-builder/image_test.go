package imagebuilder

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

var ctyCompare = cmp.Comparer(func(a, b cty.Value) bool { return a.RawEquals(b) })

// buildCalls are the changes of a build, in order.
var buildCalls = []string{
	"registerSSHKeyPair", "deployVirtualMachine", "createPortForwardingRule", "createFirewallRule", "stopVirtualMachine", "createTemplate",
}

func TestCreateBuildsAndCleansUp(t *testing.T) {
	t.Parallel()
	s := newSmallCloud(t)
	got, err := handler{}.Create(t.Context(), s.request(nil), wanted())
	if err != nil {
		t.Fatal(err)
	}
	want := append(slices.Clone(buildCalls), "destroyVirtualMachine", "deleteFirewallRule", "deletePortForwardingRule", "deleteSSHKeyPair")
	if diff := cmp.Diff(want, s.Changes()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got.ID != "tmpl-rocky9-web-v1" || got.Version != 1 || got.TemplateName != "rocky9-web-v1" || len(got.Origins) != 0 || got.Fingerprint == "" {
		t.Errorf("got %+v", got)
	}
	if len(s.machines)+len(s.forwards)+len(s.firewall)+len(s.keys) != 0 {
		t.Errorf("left over: %v %v %v %v", s.machines, s.forwards, s.firewall, s.keys)
	}
	detail := s.Changes("ostypeid", "ispublic", "isfeatured", "requireshvm", "volumeid", "openfirewall", "networkids", "serviceofferingid", "templateid")
	for _, line := range []string{
		"createTemplate ostypeid=os-rocky ispublic=true isfeatured=false requireshvm=true volumeid=vol-1",
		"deployVirtualMachine networkids=net-1 serviceofferingid=so-1 templateid=tmpl-base",
		"createPortForwardingRule openfirewall=false",
	} {
		if !slices.Contains(detail, line) {
			t.Errorf("no change %q in %q", line, detail)
		}
	}
	ran := s.guest.ran()
	for _, part := range []string{"dnf install -y", `'"'"'httpd'"'"' '"'"'php'"'"'`, "cat > ", `chmod '"'"'0640'"'"'`, "systemctl enable", "curl -s", "authorized_keys", "sudo -n sh -c"} {
		if !strings.Contains(ran, part) {
			t.Errorf("the guest was not told %q; it was told:\n%s", part, ran)
		}
	}
}

func TestBuildThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		damage func(*smallCloud)
		want   []string // what the error says
	}{
		"a step fails": {func(s *smallCloud) {
			s.guest.answer = func(script, _ string) (string, int) {
				if strings.Contains(script, "dnf") {
					return "Error: Failed to download metadata\nCould not resolve host: mirrors\x1b[31m\n", 1
				}
				return "", 0
			}
		}, []string{`step 1, package "install"`, "exit status 1", "Could not resolve host", "egress"}},
		"a check fails": {func(s *smallCloud) {
			s.guest.answer = func(script, _ string) (string, int) {
				if strings.Contains(script, "curl") {
					return "broken\n500", 0
				}
				return "", 0
			}
		}, []string{`step 4, http "serves"`, "answers 500, expected 200", "broken"}},
		"the machine does not start": {func(s *smallCloud) { s.deployFails = true }, []string{"No destination found"}},
		"the template is refused": {func(s *smallCloud) {
			s.Always("createTemplate", apifake.Refuse(535, "Maximum amount of resources"))
		}, []string{"make the template", "Maximum amount"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSmallCloud(t)
			tc.damage(s)
			plan := wanted()
			steps := plan.Pipeline.GetAttr("steps").AsValueSlice()
			last := steps[3].AsValueMap()
			last["timeout"] = cty.StringVal("100ms")
			steps[3] = cty.ObjectVal(last)
			plan.Pipeline = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("httpd"), "digest": cty.StringVal("d1"), "steps": cty.TupleVal(steps)})
			got, err := handler{}.Create(t.Context(), s.request(nil), plan)
			if err == nil {
				t.Fatal("Create succeeded")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q: %v", part, err)
				}
			}
			if strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), "it's") {
				t.Errorf("the error holds control characters or file content: %v", err)
			}
			if got.ID != "" || len(s.machines)+len(s.forwards)+len(s.firewall)+len(s.keys)+len(s.templates) != 0 {
				t.Errorf("left over: %v %v %v %v %v", s.machines, s.forwards, s.firewall, s.keys, s.templates)
			}
		})
	}
}

func TestTakenUpAfterAnInterruption(t *testing.T) {
	t.Parallel()
	adopted := func(what, id string) cloudstack.Settled {
		return cloudstack.Settled{Key: "build old " + what, Status: cloudstack.Adopted, ID: id}
	}
	t.Run("in the middle of the pipeline", func(t *testing.T) {
		t.Parallel()
		s := newSmallCloud(t)
		s.machines = append(s.machines, apifake.Object{"id": "vm-old", "state": "Running"})
		s.forwards = append(s.forwards, apifake.Object{"id": "pf-old"})
		s.keys = append(s.keys, apifake.Object{"name": "moldctl-build-old"})
		got, err := handler{}.Create(t.Context(), s.request(nil, adopted("key", ""), adopted("deploy", "vm-old"), adopted("forward", "pf-old")), wanted())
		if err != nil {
			t.Fatal(err)
		}
		want := append([]string{"deletePortForwardingRule", "destroyVirtualMachine", "deleteSSHKeyPair"}, buildCalls...)
		if diff := cmp.Diff(want, s.Changes()[:len(want)]); diff != "" {
			t.Errorf("changes (-want +got): what is left goes, and it begins anew\n%s", diff)
		}
		if got.ID == "" || len(s.templates) != 1 || len(s.machines)+len(s.forwards)+len(s.keys) != 0 {
			t.Errorf("got %s; left over: %v %v %v", got.ID, s.machines, s.forwards, s.keys)
		}
	})
	t.Run("after the template was made", func(t *testing.T) {
		t.Parallel()
		s := newSmallCloud(t)
		s.machines = append(s.machines, apifake.Object{"id": "vm-old", "state": "Stopped"})
		r := s.request(nil, adopted("deploy", "vm-old"), adopted("template", "tmpl-old"))
		fingerprint, err := wanted().fingerprint(r.Lookups)
		if err != nil {
			t.Fatal(err)
		}
		s.templates = append(s.templates, apifake.Object{"id": "tmpl-old", "isready": true, "ispublic": true, "details": apifake.Object{"moldctl.fingerprint": fingerprint}})
		got, err := handler{}.Create(t.Context(), r, wanted())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"destroyVirtualMachine"}, s.Changes()); diff != "" {
			t.Errorf("changes (-want +got): the template is taken, not made again\n%s", diff)
		}
		if got.ID != "tmpl-old" || got.Version != 1 {
			t.Errorf("got %s version %d", got.ID, got.Version)
		}
	})
}

func TestTemplateOfAnotherSpecIsNotTakenOver(t *testing.T) {
	t.Parallel()
	s := newSmallCloud(t)
	s.templates = append(s.templates, apifake.Object{"id": "tmpl-old", "isready": true, "details": apifake.Object{"moldctl.fingerprint": "other"}})
	r := s.request(nil, cloudstack.Settled{Key: "build old template", Status: cloudstack.Adopted, ID: "tmpl-old"})
	got, err := handler{}.Create(t.Context(), r, wanted())
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "tmpl-rocky9-web-v1" || len(s.templates) != 1 {
		t.Errorf("got %s, templates %v; want a new one only", got.ID, s.templates)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	prior := wanted()
	prior.ID, prior.Version, prior.TemplateName = "tmpl-1", 1, "rocky9-web-v1"
	for name, tc := range map[string]struct {
		change  func(*Image)
		want    []string
		version int
		reason  string
	}{
		"nothing": {func(*Image) {}, nil, 1, ""},
		"pipeline renamed": {func(i *Image) {
			i.Pipeline = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("other"), "digest": cty.StringVal("d1"), "steps": cty.EmptyTupleVal})
		}, nil, 1, "the digest is the same: nothing is built"},
		"description":    {func(i *Image) { i.Description = "new" }, []string{"updateTemplate displaytext=new"}, 1, ""},
		"not public":     {func(i *Image) { i.Public = false }, []string{"updateTemplatePermissions ispublic=false"}, 1, ""},
		"another name":   {func(i *Image) { i.Name = "web" }, []string{"updateTemplate name=web-v1"}, 1, ""},
		"content":        {func(i *Image) { i.Pipeline = pipelineOf("d2") }, []string{"deployVirtualMachine", "stopVirtualMachine", "createTemplate", "destroyVirtualMachine"}, 2, "without steps no way to the machine is needed"},
		"disk size":      {func(i *Image) { n := 20; i.Source.RootDiskSize, i.Pipeline = &n, cty.NilVal }, []string{"deployVirtualMachine", "stopVirtualMachine", "createTemplate", "destroyVirtualMachine"}, 2, ""},
		"build offering": {func(i *Image) { i.Source.Offering = "Large Instance" }, nil, 1, "it does not show in the image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSmallCloud(t)
			r := s.request(&kept{Built: 1, Images: []built{{ID: "tmpl-1", Version: 1}}})
			have := prior
			var err error
			if have.Fingerprint, err = have.fingerprint(r.Lookups); err != nil {
				t.Fatal(err)
			}
			s.templates = append(s.templates, apifake.Object{"id": "tmpl-1", "name": "rocky9-web-v1", "isready": true})
			plan := have
			tc.change(&plan)
			got, err := handler{}.Update(t.Context(), r, have, plan)
			if err != nil {
				t.Fatal(err)
			}
			changes := s.Changes("displaytext", "ispublic")
			if tc.version == 2 || name == "another name" {
				changes = s.Changes()
				for i, c := range changes {
					if c == "updateTemplate" {
						changes[i] = s.Changes("name")[i]
					}
				}
			}
			if diff := cmp.Diff(tc.want, changes); diff != "" {
				t.Errorf("changes (-want +got): %s\n%s", tc.reason, diff)
			}
			if got.Version != tc.version || (got.ID == "tmpl-1") != (tc.version == 1) {
				t.Errorf("got %s version %d, want version %d", got.ID, got.Version, tc.version)
			}
			refined, err := handler{}.Plan(t.Context(), &sdk.PlanRequest{Cloud: r.Cloud, Lookups: r.Lookups}, &have, plan)
			if err != nil || (len(refined.Unknown) == len(whenBuilt)) != (tc.version == 2) {
				t.Errorf("the plan says %v, %v; the update made version %d", refined.Unknown, err, got.Version)
			}
		})
	}
}

func TestKeepAndPrune(t *testing.T) {
	t.Parallel()
	s := newSmallCloud(t)
	plan := wanted()
	plan.Pipeline = cty.NilVal
	plan.Keep = &Keep{Images: 2, SourceSnapshots: 1}
	got, err := handler{}.Create(t.Context(), s.request(nil), plan)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Origins, []string{"vm-1"}) || len(s.machines) != 1 || len(s.snapshots) != 1 {
		t.Errorf("origins %q, machines %v, snapshots %v; want one of each", got.Origins, s.machines, s.snapshots)
	}
	k := &kept{Built: 4, Images: []built{{"t1", 1, ""}, {"t2", 2, ""}, {"t3", 3, "vm-3"}, {"t4", 4, "vm-4"}}}
	s.machines = []apifake.Object{{"id": "vm-3", "state": "Stopped"}, {"id": "vm-4", "state": "Stopped"}}
	s.templates = []apifake.Object{{"id": "t1"}, {"id": "t2"}, {"id": "t3"}, {"id": "t4"}}
	s.profiles = []apifake.Object{{"id": "p", "templateid": "t1"}}
	s.Forget()
	got.ID, got.Origins = "t4", []string{"vm-3", "vm-4"}
	pruned, err := handler{}.Prune(t.Context(), s.request(k), got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"vm-4"}, pruned.Origins); diff != "" {
		t.Errorf("origins after (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"deleteTemplate id=t2", "destroyVirtualMachine id=vm-3"}, s.Changes("id")); diff != "" {
		t.Errorf("changes (-want +got): t1 is used by a profile, t3 and t4 are kept\n%s", diff)
	}
}

func TestReadAndDelete(t *testing.T) {
	t.Parallel()
	s := newSmallCloud(t)
	made, err := handler{}.Create(t.Context(), s.request(nil), wanted())
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{Built: 1, Images: []built{{ID: made.ID, Version: 1}}}
	got, err := handler{}.Read(t.Context(), s.request(k), made)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got, ctyCompare); diff != "" {
		t.Errorf("read after create (-created +read):\n%s", diff)
	}
	s.profiles = []apifake.Object{{"id": "p", "templateid": made.ID}}
	if err := (handler{}).Delete(t.Context(), s.request(k), made); err == nil || !strings.Contains(err.Error(), "the autoscale profile p still uses it") {
		t.Errorf("Delete of a template in use: %v", err)
	}
	s.profiles = nil
	if err := (handler{}).Delete(t.Context(), s.request(k), made); err != nil || len(s.templates) != 0 {
		t.Errorf("Delete: %v, left %v", err, s.templates)
	}
	if _, err := (handler{}).Read(t.Context(), s.request(k), made); !errors.Is(err, sdk.ErrGone) {
		t.Errorf("Read of what is gone: %v, want ErrGone", err)
	}
}

func TestPlanWarnsOfANetworkWithoutWayOut(t *testing.T) {
	t.Parallel()
	s := newSmallCloud(t)
	rules := 0
	s.Always("listNetworkOfferings", apifake.List("networkoffering", apifake.Object{"id": "no-1", "egressdefaultpolicy": false}))
	r := s.request(nil)
	for range 2 {
		if rules > 0 {
			s.Always("listEgressFirewallRules", apifake.List("firewallrule", apifake.Object{"id": "e"}))
		} else {
			s.Always("listEgressFirewallRules", apifake.List("firewallrule"))
		}
		refined, err := handler{}.Plan(t.Context(), &sdk.PlanRequest{Cloud: r.Cloud, Lookups: r.Lookups}, nil, wanted())
		if err != nil {
			t.Fatal(err)
		}
		if warned := len(refined.Problems) == 1 && refined.Problems[0].Warning; warned != (rules == 0) {
			t.Errorf("with %d egress rules: problems %v", rules, refined.Problems)
		}
		rules++
	}
}

func TestCheckOfSteps(t *testing.T) {
	t.Parallel()
	kind := func(k string, more map[string]cty.Value) map[string]cty.Value {
		out := map[string]cty.Value{"kind": cty.StringVal(k), "label": cty.StringVal("x")}
		for name, v := range more {
			out[name] = v
		}
		return out
	}
	for name, tc := range map[string]struct {
		step map[string]cty.Value
		want string
	}{
		"unknown kind":      {kind("pakage", nil), "kind that is not known"},
		"no package":        {kind("package", nil), "names no package"},
		"nothing to open":   {kind("firewall", nil), "opens nothing"},
		"two contents":      {kind("file", map[string]cty.Value{"content": cty.StringVal("a"), "source": cty.StringVal("/b")}), "both content and source"},
		"empty file":        {kind("file", map[string]cty.Value{"content": cty.StringVal("")}), ""},
		"no script":         {kind("shell", nil), "either script or source"},
		"script and source": {kind("shell", map[string]cty.Value{"script": cty.StringVal("a"), "source": cty.StringVal("/b")}), "either script or source"},
		"service":           {kind("service", nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := handler{}.Check(t.Context(), nil, Image{Pipeline: pipelineOf("d", tc.step)})
			if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) != 1 || !strings.Contains(got[0].Detail, tc.want)) {
				t.Errorf("problems %v, want %q", got, tc.want)
			}
		})
	}
}

func TestMachineName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"plain":         {"rocky9-web", "rocky9-web-build-abc"},
		"capitals":      {"Rocky 9.2", "rocky-9-2-build-abc"},
		"digit first":   {"9web", "image-9web-build-abc"},
		"korean":        {"웹", "image-build-abc"},
		"much too long": {strings.Repeat("x", 100), strings.Repeat("x", 53) + "-build-abc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := machineName(tc.in, "abc"); got != tc.want || len(got) > 63 {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
