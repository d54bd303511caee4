package autoscale

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	s := newScaler(t)
	got, err := handler{}.Create(t.Context(), s.request(nil, "tmpl-1"), wanted())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"createCondition counterid=c-cpu relationaloperator=GT threshold=70", "createCondition counterid=c-mem relationaloperator=GE threshold=80",
		"createAutoScalePolicy action=ScaleUp duration=60 quiettime=60 conditionids=cond-1,cond-2",
		"createCondition counterid=c-cpu relationaloperator=LT threshold=20",
		"createAutoScalePolicy action=ScaleDown duration=120 quiettime=60 conditionids=cond-4",
		"createAutoScaleVmProfile templateid=tmpl-1 serviceofferingid=so-1 expungevmgraceperiod=30",
		"createAutoScaleVmGroup lbruleid=lb-1 minmembers=2 maxmembers=4 interval=30 scaleuppolicyids=policy-3 scaledownpolicyids=policy-5",
	}
	changes := s.Changes("counterid", "relationaloperator", "threshold", "action", "duration", "quiettime", "conditionids", "templateid", "serviceofferingid",
		"expungevmgraceperiod", "lbruleid", "minmembers", "maxmembers", "interval", "scaleuppolicyids", "scaledownpolicyids")
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got.ID != "group-1" || got.Name != "shop-web" || got.Members != 2 || got.ProfileID == "" {
		t.Errorf("got %+v", got)
	}
}

func TestCreateIsCheckedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		damage   func(*scaler, *Group)
		template string
		want     string
	}{
		"rule in use":        {func(s *scaler, _ *Group) { s.groups = []apifake.Object{{"id": "other", "name": "other"}} }, "tmpl-1", "has the autoscale group other already"},
		"rule with members":  {func(s *scaler, _ *Group) { s.balanced = []string{"vm-x"} }, "tmpl-1", "members of its own"},
		"template not ready": {func(*scaler, *Group) {}, "tmpl-unready", "cannot be deployed yet"},
		"template unknown":   {func(*scaler, *Group) {}, "nothing", "no template with the id"},
		"network without": {func(s *scaler, _ *Group) {
			s.Always("listNetworks", apifake.List("network", apifake.Object{"id": "net-1", "supportsvmautoscaling": false}))
		}, "tmpl-1", "VmAutoScaling"},
		"dynamic offering": {func(s *scaler, _ *Group) {
			s.Always("listServiceOfferings", apifake.List("serviceoffering", apifake.Object{"id": "so-1", "iscustomized": true}))
		}, "tmpl-1", "fixed size"},
		"min above max":       {func(_ *scaler, g *Group) { g.MinMembers = 9 }, "tmpl-1", "min_members is 9"},
		"duration too short":  {func(_ *scaler, g *Group) { g.Interval = "5m" }, "tmpl-1", "measured every 5m"},
		"unknown counter":     {func(_ *scaler, g *Group) { g.ScaleUp["load"].Condition[0].Counter = "disk" }, "tmpl-1", "there are: cpu, memory"},
		"one counter twice":   {func(_ *scaler, g *Group) { g.ScaleUp["load"].Condition[1].Counter = "VM CPU - average percentage" }, "tmpl-1", "one for each counter"},
		"unknown deploy key":  {func(_ *scaler, g *Group) { g.DeployParams = map[string]string{"size": "1"} }, "tmpl-1", `"size" is not one of`},
		"no such rule at all": {func(s *scaler, _ *Group) { s.Always("listLoadBalancerRules", apifake.Unknown("id")) }, "tmpl-1", "no load balancer rule with the id lb-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, plan := newScaler(t), wanted()
			tc.damage(s, &plan)
			_, err := handler{}.Create(t.Context(), s.request(nil, tc.template), plan)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Create: %v, want %q", err, tc.want)
			}
			if changes := s.Changes(); len(changes) > 0 {
				t.Errorf("sent %v: a failed group keeps its policies for good", changes)
			}
		})
	}
}

func TestCreateThatIsRefusedLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newScaler(t)
	s.Always("createAutoScaleVmGroup", apifake.Refuse(535, "limit"))
	if _, err := (handler{}).Create(t.Context(), s.request(nil, "tmpl-1"), wanted()); err == nil {
		t.Fatal("Create succeeded")
	}
	if len(s.conditions)+len(s.policies)+len(s.profiles) != 0 {
		t.Errorf("left over: %v %v %v", s.conditions, s.policies, s.profiles)
	}
}

func TestCreateTakenUp(t *testing.T) {
	t.Parallel()
	s := newScaler(t)
	s.conditions = []apifake.Object{{"id": "cond-old", "counterid": "c-cpu", "relationaloperator": "GT", "threshold": 70}, {"id": "cond-stale", "counterid": "c-cpu", "relationaloperator": "GT", "threshold": 55}}
	resume := []cloudstack.Settled{
		{Key: "condition up/load/0 c-cpu GT 70", Status: cloudstack.Adopted, ID: "cond-old"},
		{Key: "condition up/load/0 c-cpu GT 55", Status: cloudstack.Adopted, ID: "cond-stale"},
	}
	if _, err := (handler{}).Create(t.Context(), s.request(nil, "tmpl-1", resume...), wanted()); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, c := range s.conditions {
		left = append(left, c["id"].(string))
	}
	if slices.Contains(left, "cond-stale") || !slices.Contains(left, "cond-old") || len(left) != 3 {
		t.Errorf("conditions %v: one is taken up, the one of an older spec goes", left)
	}
}

func TestReadAfterCreateIsUnchanged(t *testing.T) {
	t.Parallel()
	s, made, k := existing(t)
	got, err := handler{}.Read(t.Context(), s.request(k, "tmpl-1"), made)
	if err != nil {
		t.Fatal(err)
	}
	// Lookups come back as ids; the host puts the words of the spec in their place.
	if got.Template != "tmpl-1" || got.Offering != "so-1" {
		t.Errorf("template %s, offering %s", got.Template, got.Offering)
	}
	got.Template, got.Offering = made.Template, made.Offering
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("(-created +read):\n%s", diff)
	}
	imported, err := handler{}.Read(t.Context(), s.request(nil, "tmpl-1"), Group{ID: "group-1"})
	if err != nil {
		t.Fatal(err)
	}
	if got := imported.ScaleDown["idle"].Condition; len(got) != 1 || got[0] != (Condition{"cpu", "<", 20}) {
		t.Errorf("an imported group's condition = %v", got)
	}
	s.groups = nil
	if _, err := (handler{}).Read(t.Context(), s.request(k, "tmpl-1"), made); !errors.Is(err, sdk.ErrGone) {
		t.Errorf("Read of what is gone: %v, want ErrGone", err)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	pause, resume := "disableAutoScaleVmGroup", "enableAutoScaleVmGroup"
	for name, tc := range map[string]struct {
		change func(*Group)
		want   []string
		reason string
	}{
		"nothing": {func(*Group) {}, nil, ""},
		"name":    {func(g *Group) { g.Name = "other" }, []string{"updateAutoScaleVmGroup name=other"}, "this needs no pause"},
		"bounds": {func(g *Group) { g.MaxMembers = 6 }, []string{
			pause, "updateAutoScaleVmGroup minmembers=2 maxmembers=6", resume,
		}, ""},
		"threshold": {func(g *Group) {
			g.ScaleUp["load"] = Policy{"1m", "60s", []Condition{{"cpu", ">", 60}, {"memory", ">=", 80}}}
		}, []string{
			pause, "updateCondition threshold=60", resume,
		}, ""},
		"duration": {func(g *Group) { g.ScaleUp["load"] = Policy{"90s", "60s", g.ScaleUp["load"].Condition} }, []string{
			pause, "updateAutoScalePolicy duration=90", resume,
		}, ""},
		"another counter": {func(g *Group) { g.ScaleDown["idle"] = Policy{"120s", "60s", []Condition{{"memory", "LT", 20}}} }, []string{
			pause, "createCondition threshold=20", "updateAutoScalePolicy conditionids=cond-9", "deleteCondition", resume,
		}, ""},
		"one more policy": {func(g *Group) {
			g.ScaleUp = map[string]Policy{"load": g.ScaleUp["load"], "memory": {"60s", "60s", []Condition{{"memory", ">", 90}}}}
		}, []string{pause, "createCondition threshold=90", "createAutoScalePolicy duration=60 conditionids=cond-9", "updateAutoScaleVmGroup scaleuppolicyids=policy-3,policy-10", resume}, ""},
		"a policy renamed": {func(g *Group) {
			g.ScaleUp = map[string]Policy{"busy": {"60s", "60s", []Condition{{"cpu", ">", 90}}}}
		}, []string{
			pause, "createCondition threshold=90", "createAutoScalePolicy duration=60 conditionids=cond-9", "updateAutoScaleVmGroup scaleuppolicyids=policy-10",
			"deleteAutoScalePolicy", "deleteCondition", "deleteCondition", resume,
		}, "the old one goes when the group no longer uses it"},
		"grace period": {func(g *Group) { g.GracePeriod = "1m" }, []string{pause, "updateAutoScaleVmProfile expungevmgraceperiod=60", resume}, "members stay"},
		"disabled":     {func(g *Group) { g.Enabled = false }, []string{pause}, ""},
		"another way to replace": {func(g *Group) {
			r := *g.Rollout
			r.MaxSurge = "100%"
			g.Rollout = &r
		}, nil, "only a later change uses it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, prior, k := existing(t)
			before := len(s.machines)
			plan := prior
			plan.ScaleUp = map[string]Policy{"load": {"1m", "60s", slices.Clone(prior.ScaleUp["load"].Condition)}}
			plan.ScaleDown = map[string]Policy{"idle": prior.ScaleDown["idle"]}
			tc.change(&plan)
			got, err := handler{}.Update(t.Context(), s.request(k, "tmpl-1"), prior, plan)
			if err != nil {
				t.Fatal(err)
			}
			changes := s.Changes("name", "minmembers", "maxmembers", "threshold", "duration", "expungevmgraceperiod", "scaleuppolicyids")
			if with := s.Changes("conditionids"); len(with) == len(changes) {
				for i, c := range with {
					if strings.Contains(c, "=") {
						changes[i] += strings.TrimPrefix(c, strings.Fields(c)[0])
					}
				}
			}
			for i, c := range changes {
				if strings.HasPrefix(c, "createAutoScalePolicy") {
					fields := strings.Fields(c)
					changes[i] = strings.Join(slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, "name=") }), " ")
				}
			}
			if diff := cmp.Diff(tc.want, changes); diff != "" {
				t.Errorf("changes (-want +got): %s\n%s", tc.reason, diff)
			}
			plan.State = got.State
			if diff := cmp.Diff(plan, got); diff != "" {
				t.Errorf("value (-plan +got):\n%s", diff)
			}
			if len(s.machines) != before {
				t.Errorf("%d members, there were %d", len(s.machines), before)
			}
		})
	}
}

func TestUpdateThatFailsLeavesTheGroupAtWork(t *testing.T) {
	t.Parallel()
	s, prior, k := existing(t)
	s.Always("updateCondition", apifake.Fail("", 530, "no"))
	plan := prior
	plan.ScaleDown = map[string]Policy{"idle": {"120s", "60s", []Condition{{"cpu", "LT", 10}}}}
	if _, err := (handler{}).Update(t.Context(), s.request(k, "tmpl-1"), prior, plan); err == nil {
		t.Fatal("Update succeeded")
	}
	if state := s.groups[0]["state"]; state != "ENABLED" {
		t.Errorf("the group is %s", state)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s, made, k := existing(t)
	for range 2 { // the second time all is gone
		if err := (handler{}).Delete(t.Context(), s.request(k, "tmpl-1"), made); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"deleteAutoScaleVmGroup cleanup=true", "deleteAutoScalePolicy", "deleteCondition", "deleteCondition", "deleteAutoScalePolicy", "deleteCondition", "deleteAutoScaleVmProfile",
	}
	if diff := cmp.Diff(want, s.Changes("cleanup")[:len(want)]); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if len(s.conditions)+len(s.policies)+len(s.profiles)+len(s.groups)+len(s.machines) != 0 {
		t.Error("something is left")
	}
}
