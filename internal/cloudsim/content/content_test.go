package content

import (
	"slices"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	var offerings []NetworkOffering
	var systems []OSType
	var settings []Setting
	var events []string
	for name, into := range map[string]any{"network-offerings": &offerings, "os-types": &systems, "configurations": &settings, "event-types": &events,
		"vpc-offerings": new([]VPCOffering), "service-offerings": new([]ServiceOffering), "disk-offerings": new([]DiskOffering),
		"counters": new([]Counter), "router-services": new([]RouterService), "capabilities": new(map[string]any)} {
		if err := Read(name, into); err != nil {
			t.Error(err)
		}
	}
	if err := Read("nonsense", &events); err == nil {
		t.Error("an unknown list was read")
	}
	at := slices.IndexFunc(offerings, func(o NetworkOffering) bool { return o.Name == "DefaultIsolatedNetworkOfferingWithSourceNatService" })
	if at < 0 {
		t.Fatal("the default isolated offering is missing")
	}
	o := offerings[at]
	for _, service := range []string{"SourceNat", "Lb", "Firewall", "PortForwarding", "StaticNat", "Dhcp", "UserData"} {
		if !slices.ContainsFunc(o.Services, func(s Service) bool { return s.Name == service && s.Provider == "VirtualRouter" }) {
			t.Errorf("it lacks %s by the virtual router", service)
		}
	}
	if o.EgressDefaultPolicy || o.State != "Enabled" || o.ID == "" {
		t.Errorf("it lets guests out, is not enabled or has no id: %+v", o)
	}
	for _, name := range []string{"Rocky Linux 9", "Ubuntu 24.04 LTS", "CentOS Stream 9", "AlmaLinux 9"} {
		if !slices.ContainsFunc(systems, func(s OSType) bool { return s.Name == name }) {
			t.Errorf("no system %q", name)
		}
	}
	if len(settings) == 0 || len(events) == 0 {
		t.Errorf("%d settings, %d event types", len(settings), len(events))
	}
}
