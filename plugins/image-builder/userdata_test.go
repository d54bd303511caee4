package imagebuilder

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

// TestBuildByUserData builds where nobody can log in.
func TestBuildByUserData(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wait  string
		off   bool // the user data turns the machine off
		least time.Duration
	}{
		"no wait":            {"", false, 0},
		"turns itself off":   {"1h", true, 0},
		"keeps on running":   {"200ms", false, 200 * time.Millisecond},
		"is off all the way": {"", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSmallCloud(t)
			s.On("deployVirtualMachine", func(p url.Values) apifake.Answer {
				o := apifake.Object{"id": "vm-1", "name": p.Get("name"), "state": "Running", "templateid": p.Get("templateid")}
				if tc.off {
					o["state"] = "Stopped"
				}
				s.machines = append(s.machines, o)
				return apifake.Start("virtualmachine", o)
			})
			plan := wanted()
			plan.Pipeline = cty.NullVal(cty.DynamicPseudoType)
			data := "#cloud-config\n"
			plan.Source.UserData, plan.Source.Wait = &data, &tc.wait
			began := time.Now()
			got, err := handler{}.Create(t.Context(), s.request(nil), plan)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < tc.least || took > time.Minute {
				t.Errorf("took %s, want at least %s", took, tc.least)
			}
			want := []string{"deployVirtualMachine", "stopVirtualMachine", "createTemplate", "destroyVirtualMachine"}
			if diff := cmp.Diff(want, s.Changes()); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if sent := s.Changes("userdata", "keypairs"); !slices.Contains(sent, "deployVirtualMachine userdata=I2Nsb3VkLWNvbmZpZwo=") {
				t.Errorf("the machine got %q", sent)
			}
			if got.ID == "" || len(s.machines)+len(s.keys) != 0 {
				t.Errorf("got %q; left over: %v %v", got.ID, s.machines, s.keys)
			}
		})
	}
}
