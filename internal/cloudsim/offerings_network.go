package cloudsim

import (
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

// networkOfferingCommands change what kinds of networks and VPCs are offered.
var networkOfferingCommands = map[string]command{
	"createNetworkOffering": {run: createNetworkOffering, rootOnly: true, event: "NETWORK.OFFERING.CREATE"},
	"updateNetworkOffering": {run: updateNetworkOffering, id: kindNetworkOffering, kinds: anyScope, rootOnly: true, event: "NETWORK.OFFERING.EDIT"},
	"deleteNetworkOffering": {run: deleteNetworkOffering, id: kindNetworkOffering, rootOnly: true, event: "NETWORK.OFFERING.DELETE"},
	"createVPCOffering":     {start: startCreateVPCOffering, job: vpcOfferingJob, creates: true, rootOnly: true, event: "VPC.OFFERING.CREATE"},
	"updateVPCOffering":     {start: startVPCOffering, job: updateVPCOfferingJob, id: kindVPCOffering, kinds: anyScope, rootOnly: true, event: "VPC.OFFERING.UPDATE"},
	"deleteVPCOffering":     {start: startVPCOffering, job: deleteVPCOfferingJob, id: kindVPCOffering, rootOnly: true, event: "VPC.OFFERING.DELETE"},
}

// providerServices are what each provider of network services can do.
var providerServices = map[string][]string{
	"VirtualRouter":    {"Vpn", "Dhcp", "Dns", "Gateway", "Firewall", "Lb", "UserData", "SourceNat", "StaticNat", "PortForwarding"},
	"VpcVirtualRouter": {"Vpn", "Dhcp", "Dns", "Gateway", "Lb", "UserData", "SourceNat", "StaticNat", "PortForwarding", "NetworkACL"},
	"ConfigDrive":      {"Dhcp", "Dns", "UserData"}, "InternalLbVm": {"Lb"}, "SecurityGroupProvider": {"SecurityGroup"},
	"BaremetalPxeProvider": {}, "BaremetalDhcpProvider": {"Dhcp"},
}

// offeredNow reads the services of an offering to be made: each with its provider, and the capabilities the call fixes.
func (c *Call) offeredNow(usual string) ([]Service, error) {
	var router []content.RouterService
	if err := content.Read("router-services", &router); err != nil {
		return nil, err
	}
	providers := make(map[string]string)
	for _, p := range c.Maps("serviceproviderlist") {
		can, known := providerServices[p["provider"]]
		if !known {
			return nil, Invalid("Invalid service provider: %s", p["provider"])
		}
		if !slices.ContainsFunc(can, func(s string) bool { return strings.EqualFold(s, p["service"]) }) {
			return nil, Fail(530, 4390, "%s Provider cannot provide service %s", p["provider"], p["service"])
		}
		providers[strings.ToLower(p["service"])] = p["provider"]
	}
	var out []Service
	for _, name := range c.List("supportedservices") {
		s := Service{Name: name, Provider: valueOr(providers[strings.ToLower(name)], usual)}
		for _, r := range router {
			if strings.EqualFold(r.Name, name) {
				s.Name, s.Capabilities = r.Name, capabilities(r.Capabilities)
			}
		}
		for _, fixed := range c.Maps("servicecapabilitylist") {
			if strings.EqualFold(fixed["service"], name) {
				s.Offered = append(s.Offered, Capability{Name: fixed["capabilitytype"], Value: fixed["capabilityvalue"]})
			}
		}
		s.Offered = withUsualCapabilities(s)
		out = append(out, s)
	}
	return out, nil
}

// withUsualCapabilities adds what an offering says of a service even if the call does not fix it.
func withUsualCapabilities(s Service) []Capability {
	usual := map[string][]Capability{
		"StaticNat": {{Name: "ElasticIp", Value: "false"}, {Name: "AssociatePublicIP", Value: "false"}},
		"Lb":        {{Name: "SupportedLBIsolation", Value: "dedicated"}, {Name: "ElasticLb", Value: "false"}, {Name: "InlineMode", Value: "false"}},
		"SourceNat": {{Name: "SupportedSourceNatTypes", Value: "peraccount"}, {Name: "RedundantRouter", Value: "false"}},
	}
	out := s.Offered
	for _, u := range usual[s.Name] {
		if !slices.ContainsFunc(out, func(c Capability) bool { return c.Name == u.Name }) {
			out = append(out, u)
		}
	}
	return out
}

func createNetworkOffering(c *Call) (any, error) {
	kinds := []string{"Isolated", "Shared", "L2"}
	i := slices.IndexFunc(kinds, func(k string) bool { return strings.EqualFold(k, c.Str("guestiptype")) })
	if i < 0 {
		return nil, Invalid("Invalid \"type\" parameter is given; can have Shared and Isolated values")
	}
	if !strings.EqualFold(c.Str("traffictype"), "Guest") {
		return nil, Invalid("Only traffic type Guest is supported by network offering")
	}
	if _, taken := c.NetworkOfferings.Find(func(o NetworkOffering) bool { return o.Name == c.Str("name") }); taken {
		return nil, errExistsAlready()
	}
	forVPC := c.Bool("forvpc", false)
	provider := "VirtualRouter"
	if forVPC {
		provider = "VpcVirtualRouter"
	}
	services, err := c.offeredNow(provider)
	if err != nil {
		return nil, err
	}
	o := NetworkOffering{Base: c.NetworkOfferings.NewBase(), Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), GuestIPType: kinds[i],
		TrafficType: "Guest", State: "Disabled", Availability: c.Or("availability", "Optional"), SpecifyVLAN: c.Bool("specifyvlan", false),
		SpecifyIPRanges: c.Bool("specifyipranges", false), ConserveMode: c.Bool("conservemode", true), IsPersistent: c.Bool("ispersistent", false),
		EgressDefaultPolicy: c.Bool("egressdefaultpolicy", false), ForVPC: forVPC, NetworkRate: c.Int("networkrate", 200), Services: services,
		InternetProtocol: c.Or("internetprotocol", "IPv4"), NetworkMode: c.Str("networkmode"), DomainIDs: c.List("domainid"), ZoneIDs: c.List("zoneid")}
	if c.Bool("enable", false) {
		o.State = "Enabled"
	}
	o.ServiceOfferingID = c.Str("serviceofferingid")
	if router, ok := c.NetworkOfferings.Find(func(o NetworkOffering) bool { return o.ServiceOfferingID != "" }); ok && o.ServiceOfferingID == "" {
		o.ServiceOfferingID = router.ServiceOfferingID
	}
	// The server looks at the number of connections only where something is said of the balancer.
	if slices.ContainsFunc(c.Maps("servicecapabilitylist"), func(m map[string]string) bool { return m["service"] == "Lb" }) {
		o.MaxConnections = c.Int("maxconnections", 4096)
	}
	c.NetworkOfferings.Put(o)
	c.Made(o.ID)
	return Obj{"networkoffering": c.networkOfferingResponse(o)}, nil
}

func updateNetworkOffering(c *Call) (any, error) {
	o, ok := c.NetworkOfferings.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find network offering %s", c.Str("id"))
	}
	if n := c.Str("name"); n != "" {
		if _, taken := c.NetworkOfferings.Find(func(other NetworkOffering) bool { return other.Name == n && other.ID != o.ID }); taken {
			return nil, errExistsAlready()
		}
		o.Name = n
	}
	o.DisplayText = c.Or("displaytext", o.DisplayText)
	if s := c.Str("state"); s != "" {
		if !slices.Contains([]string{"enabled", "disabled"}, strings.ToLower(s)) {
			return nil, Invalid("Incorrect state: %s", s)
		}
		o.State = strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
	}
	if a := c.Str("availability"); a != "" {
		if !slices.Contains([]string{"required", "optional"}, strings.ToLower(a)) {
			return nil, Invalid("Invalid value for Availability. Supported types: Required, Optional")
		}
		o.Availability = strings.ToUpper(a[:1]) + strings.ToLower(a[1:])
	}
	o.MaxConnections = c.Int("maxconnections", o.MaxConnections)
	o.DomainIDs, o.ZoneIDs = c.scopeOf("domainid", o.DomainIDs), c.scopeOf("zoneid", o.ZoneIDs)
	c.NetworkOfferings.Put(o)
	c.Made(o.ID)
	return Obj{"networkoffering": c.networkOfferingResponse(o)}, nil
}

func deleteNetworkOffering(c *Call) (any, error) {
	o, ok := c.NetworkOfferings.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find network offering %s", c.Str("id"))
	}
	if o.IsDefault {
		return nil, Invalid("Default network offering can't be deleted")
	}
	if n := len(c.Networks.Where(func(n Network) bool { return n.OfferingID == o.ID })); n > 0 {
		return nil, Invalid(`Can't delete network offering NetworkOffering {"id":%d,"name":"%s","trafficType":"Guest","uuid":"%s"} as its used by %d networks. To make the network offering unavailable, disable it`, o.N, o.Name, o.ID, n)
	}
	now := c.Now()
	o.Removed, o.State = &now, "Disabled"
	c.NetworkOfferings.Put(o)
	c.Made(o.ID)
	return Success(), nil
}

// vpcServices are what a VPC can do.
var vpcServices = []string{"Vpn", "Dhcp", "Dns", "Gateway", "Lb", "UserData", "SourceNat", "StaticNat", "PortForwarding", "NetworkACL", "Connectivity"}

func startCreateVPCOffering(c *Call) (string, error) {
	if _, taken := c.VPCOfferings.Find(func(o VPCOffering) bool { return o.Name == c.Str("name") }); taken {
		return "", errExistsAlready()
	}
	asked := c.List("supportedservices")
	for _, s := range asked {
		if !slices.ContainsFunc(vpcServices, func(v string) bool { return strings.EqualFold(v, s) }) {
			return "", Invalid("Service %s is not supported in VPC", s)
		}
	}
	if !slices.ContainsFunc(asked, func(s string) bool { return strings.EqualFold(s, "SourceNat") }) {
		return "", Invalid("SourceNat service is required by VPC offering")
	}
	services, err := c.offeredNow("VpcVirtualRouter")
	if err != nil {
		return "", err
	}
	for i := range services {
		services[i].Offered = nil
	}
	o := VPCOffering{Base: c.VPCOfferings.NewBase(), Name: c.Str("name"), DisplayText: c.Or("displaytext", c.Str("name")), State: "Disabled",
		NetworkMode: c.Str("networkmode"), Services: services, DomainIDs: c.List("domainid"), ZoneIDs: c.List("zoneid")}
	if c.Bool("enable", false) {
		o.State = "Enabled"
	}
	c.VPCOfferings.Put(o)
	return o.ID, nil
}

func vpcOfferingJob(c *Call) (Obj, error) {
	o, ok := c.VPCOfferings.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create VPC offering")
	}
	return Obj{"vpcoffering": c.vpcOfferingResponse(o)}, nil
}

func startVPCOffering(c *Call) (string, error) {
	o, ok := c.VPCOfferings.Get(c.Str("id"))
	if !ok {
		return "", Invalid("unable to find vpc offering %s", c.Str("id"))
	}
	return o.ID, nil
}

func updateVPCOfferingJob(c *Call) (Obj, error) {
	o, ok := c.VPCOfferings.Get(c.EntityID)
	if !ok {
		return nil, Invalid("unable to find vpc offering %s", c.EntityID)
	}
	o.Name, o.DisplayText = c.Or("name", o.Name), c.Or("displaytext", o.DisplayText)
	if s := c.Str("state"); s != "" {
		if !slices.Contains([]string{"enabled", "disabled"}, strings.ToLower(s)) {
			return nil, Invalid("Incorrect state: %s", s)
		}
		o.State = strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
	}
	o.DomainIDs, o.ZoneIDs = c.scopeOf("domainid", o.DomainIDs), c.scopeOf("zoneid", o.ZoneIDs)
	c.VPCOfferings.Put(o)
	return Obj{"vpcoffering": c.vpcOfferingResponse(o)}, nil
}

func deleteVPCOfferingJob(c *Call) (Obj, error) {
	o, ok := c.VPCOfferings.Get(c.EntityID)
	if !ok {
		return nil, Invalid("unable to find vpc offering %s", c.EntityID)
	}
	if o.IsDefault {
		return nil, Invalid("Default network offering can't be deleted")
	}
	if n := len(c.VPCs.Where(func(v VPC) bool { return v.OfferingID == o.ID })); n > 0 {
		return nil, Invalid("Can't delete vpc offering %d as its used by %d vpcs. To make the network offering unavailable, disable it", o.N, n)
	}
	now := c.Now()
	o.Removed, o.State = &now, "Disabled"
	c.VPCOfferings.Put(o)
	return Success(), nil
}
