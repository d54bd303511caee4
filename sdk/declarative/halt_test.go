package declarative_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
)

// machine scripts one machine that can be stopped and started; the shown one
// says Running.
func (f *fake) machine(shown string, running bool) *fake {
	show := func() string {
		f.mu.Lock()
		defer f.mu.Unlock()
		if running {
			return shown
		}
		return strings.Replace(shown, "Running", "Stopped", 1)
	}
	power := func(command string, on bool) {
		f.async(command, "", `{"virtualmachine": {"id": "vm-1"}}`)
		answer := f.answer[command]
		f.answer[command] = func(form url.Values) string {
			f.mu.Lock()
			running = on
			f.mu.Unlock()
			return answer(form)
		}
	}
	power("stopVirtualMachine", false)
	power("startVirtualMachine", true)
	f.answer["listVirtualMachines"] = func(url.Values) string { return `{"count": 1, "virtualmachine": [` + show() + `]}` }
	return f
}

// The machine that a card is changed on is none of the card's own attributes:
// whatever happens it is left as it was.
func TestChangeOfStoppedMachine(t *testing.T) {
	t.Parallel()
	const look, stop, start, list = "listVirtualMachines id=vm-1", "stopVirtualMachine id=vm-1", "startVirtualMachine id=vm-1", "listNics virtualmachineid=vm-1"
	const change = "updateVmNicIp ipaddress=10.1.1.7 nicid=nic-1"
	stopped := cloudstack.Settled{Key: "stop-to-change[vm-1]", Command: "stopVirtualMachine", Status: cloudstack.Adopted, ID: "vm-1"}
	started := cloudstack.Settled{Key: "start-after-change[vm-1]", Command: "startVirtualMachine", Status: cloudstack.Adopted, ID: "vm-1"}
	tests := map[string]struct {
		running bool
		address string
		refused bool
		resume  []cloudstack.Settled
		status  declarative.Status
		sent    []string
		intents []string
	}{
		"running": {running: true, address: "10.1.1.7",
			sent:    []string{look, stop, change, look, start, list},
			intents: []string{"stop-to-change[vm-1] stopVirtualMachine natural", "update:updateVmNicIp updateVmNicIp repeat", "start-after-change[vm-1] startVirtualMachine repeat"}},
		"stopped already": {address: "10.1.1.7", sent: []string{look, change, list}, intents: []string{"update:updateVmNicIp updateVmNicIp repeat"}},
		"no change":       {running: true, address: "10.1.1.6"},
		"the change is refused": {running: true, address: "10.1.1.7", refused: true, status: declarative.Partial,
			sent:    []string{look, stop, change, look, start, list},
			intents: []string{"stop-to-change[vm-1] stopVirtualMachine natural", "update:updateVmNicIp updateVmNicIp repeat", "start-after-change[vm-1] startVirtualMachine repeat"}},
		"interrupted after the stop": {address: "10.1.1.7", resume: []cloudstack.Settled{stopped},
			sent:    []string{look, change, look, start, list},
			intents: []string{"update:updateVmNicIp updateVmNicIp repeat", "start-after-change[vm-1] startVirtualMachine repeat"}},
		"interrupted after the change": {address: "10.1.1.6", resume: []cloudstack.Settled{stopped},
			sent: []string{look, start}, intents: []string{"start-after-change[vm-1] startVirtualMachine repeat"}},
		"interrupted after the start": {running: true, address: "10.1.1.6", resume: []cloudstack.Settled{stopped, started}},
		"somebody started it meanwhile": {running: true, address: "10.1.1.7", resume: []cloudstack.Settled{stopped},
			sent:    []string{look, stop, change, look, start, list},
			intents: []string{"stop-to-change[vm-1]#2 stopVirtualMachine natural", "update:updateVmNicIp updateVmNicIp repeat", "start-after-change[vm-1]#2 startVirtualMachine repeat"}},
		"stopped by its user after the last time": {address: "10.1.1.7", resume: []cloudstack.Settled{stopped, started},
			sent: []string{look, change, list}, intents: []string{"update:updateVmNicIp updateVmNicIp repeat"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).machine(`{"id": "vm-1", "state": "Running"}`, test.running).
				async("updateVmNicIp", "", `{"virtualmachine": {"id": "vm-1"}}`).
				on("listNics", `{"count": 1, "nic": [{"id": "nic-1", "networkid": "net-1", "virtualmachineid": "vm-1", "ipaddress": "10.1.1.7", "macaddress": "02:00:00:00:00:01", "deviceid": "1"}]}`)
			if test.refused {
				f.async("updateVmNicIp", "", `{"errorcode": 431, "errortext": "please choose another ip"}`)
			}
			spec := plugin(t, compute)
			typ := spec.Types["nic"]
			with := func(address string) cty.Value {
				return planned(typ, map[string]cty.Value{
					"id": text("vm-1/nic-1"), "instance": text("vm-1"), "network": text("net-1"), "address": text(address), "nic": text("nic-1"),
					"mac_address": text("02:00:00:00:00:01"), "device": cty.NumberIntVal(1),
				})
			}
			resume := map[string]cloudstack.Settled{}
			for _, s := range test.resume {
				resume[s.Key] = s
			}
			got := declarative.New(spec).Update(t.Context(), declarative.Request{
				Type: typ, Cloud: f.client(test.resume...), Identity: me, Prior: with("10.1.1.6"), Planned: with(test.address), Resume: resume,
			})
			if got.Status != test.status || (len(got.Problems) > 0) != test.refused {
				t.Errorf("status %v: %s", got.Status, details(got.Problems))
			}
			if diff := cmp.Diff(test.sent, f.requests()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.intents, f.journal); diff != "" {
				t.Errorf("journal (-want +got):\n%s", diff)
			}
		})
	}
}

// A card that goes while its machine waits to be started again: the machine is
// started all the same.
func TestDeleteStartsTheMachine(t *testing.T) {
	t.Parallel()
	f := newFake(t).machine(`{"id": "vm-1", "state": "Running"}`, false).async("removeNicFromVirtualMachine", "", `{"virtualmachine": {"id": "vm-1"}}`)
	spec := plugin(t, compute)
	typ := spec.Types["nic"]
	stopped := cloudstack.Settled{Key: "stop-to-change[vm-1]", Command: "stopVirtualMachine", Status: cloudstack.Adopted, ID: "vm-1"}
	got := declarative.New(spec).Delete(t.Context(), declarative.Request{
		Type: typ, Cloud: f.client(stopped), Identity: me, Resume: map[string]cloudstack.Settled{stopped.Key: stopped},
		Prior: planned(typ, map[string]cty.Value{"id": text("vm-1/nic-1"), "instance": text("vm-1"), "nic": text("nic-1")}),
	})
	want := []string{"removeNicFromVirtualMachine nicid=nic-1 virtualmachineid=vm-1", "listVirtualMachines id=vm-1", "startVirtualMachine id=vm-1"}
	if diff := cmp.Diff(want, f.requests()); diff != "" || got.Status != declarative.Gone {
		t.Errorf("status %v: %s, sent (-want +got):\n%s", got.Status, details(got.Problems), diff)
	}
}
