package cloudsim

import (
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

// providerCommands are the elements that serve physical networks.
var providerCommands = map[string]command{
	"listNetworkServiceProviders":  {run: listProviders, rootOnly: true},
	"addNetworkServiceProvider":    {start: startAddProvider, job: providerJob, creates: true, rootOnly: true, kinds: map[string]kind{"destinationphysicalnetworkid": kindPhysicalNetwork}, event: "SERVICE.PROVIDER.CREATE"},
	"updateNetworkServiceProvider": {start: startGiven, job: updateProviderJob, id: kindNetworkProvider, rootOnly: true, event: "SERVICE.PROVIDER.UPDATE"},
	"deleteNetworkServiceProvider": {start: startGiven, job: deleteProviderJob, id: kindNetworkProvider, rootOnly: true, event: "SERVICE.PROVIDER.DELETE"},
	"listSupportedNetworkServices": {run: listSupportedServices},

	"listVirtualRouterElements":            {run: listElements("virtualrouterelement", routerElements), id: kindVRElement, rootOnly: true},
	"createVirtualRouterElement":           {start: startCreateElement, job: elementJob("virtualrouterelement"), creates: true, rootOnly: true, kinds: map[string]kind{"providertype": kindAny}, event: "NETWORK.ELEMENT.CONFIGURE"},
	"configureVirtualRouterElement":        {start: startGiven, job: configureElementJob("virtualrouterelement"), id: kindVRElement, rootOnly: true, event: "NETWORK.ELEMENT.CONFIGURE"},
	"listInternalLoadBalancerElements":     {run: listElements("internalloadbalancerelement", []string{"InternalLbVm"}), id: kindVRElement, rootOnly: true},
	"createInternalLoadBalancerElement":    {start: startCreateElement, job: elementJob("internalloadbalancerelement"), creates: true, rootOnly: true, event: "NETWORK.ELEMENT.CONFIGURE"},
	"configureInternalLoadBalancerElement": {start: startGiven, job: configureElementJob("internalloadbalancerelement"), id: kindVRElement, rootOnly: true, event: "NETWORK.ELEMENT.CONFIGURE"},
}

// routerElements are the providers behind which virtual routers stand.
var routerElements = []string{"VirtualRouter", "VpcVirtualRouter"}

type providerKind struct {
	name       string
	services   []string
	individual bool // its services can be enabled one by one
	state      string
}

// providerKinds are the elements of an installation.
var providerKinds = []providerKind{
	{"ConfigDrive", []string{"Dhcp", "Dns", "UserData"}, true, "Enabled"},
	{"InternalLbVm", []string{"Lb"}, true, "Enabled"},
	{"BaremetalPxeProvider", []string{}, false, "Enabled"},
	{"VpcVirtualRouter", []string{"Vpn", "Dhcp", "Dns", "Gateway", "Lb", "SourceNat", "StaticNat", "PortForwarding", "UserData"}, true, "Enabled"},
	{"SecurityGroupProvider", []string{"SecurityGroup"}, false, "Disabled"},
	{"VirtualRouter", []string{"Vpn", "Dhcp", "Dns", "Gateway", "Firewall", "Lb", "SourceNat", "StaticNat", "PortForwarding", "UserData"}, true, "Enabled"},
}

func providerNamed(name string) (providerKind, bool) {
	i := slices.IndexFunc(providerKinds, func(k providerKind) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return providerKind{}, false
	}
	return providerKinds[i], true
}

// putProviders gives a physical network the elements it comes with. state "" is that of the installation.
func (c *Call) putProviders(p PhysicalNetwork, state string) {
	for _, k := range providerKinds {
		n := NetworkProvider{Base: c.NetworkProviders.NewBase(), PhysicalID: p.ID, Name: k.name, State: valueOr(state, k.state), Services: k.services}
		if slices.Contains(routerElements, k.name) || k.name == "InternalLbVm" {
			n.ElementID, n.Configured = newUUID(), state == ""
		}
		c.NetworkProviders.Put(n)
	}
}

func listProviders(c *Call) (any, error) {
	rows := c.NetworkProviders.Where(func(p NetworkProvider) bool {
		return c.is("physicalnetworkid", p.PhysicalID) && c.is("name", p.Name) && (!c.Has("state") || strings.EqualFold(c.Str("state"), p.State)) &&
			strings.Contains(strings.ToLower(p.Name), strings.ToLower(c.Str("keyword")))
	})
	return Listing("networkserviceprovider", rows, providerResponse), nil
}

func providerResponse(p NetworkProvider) Obj {
	k, _ := providerNamed(p.Name)
	return Obj{"name": p.Name, "physicalnetworkid": p.PhysicalID, "state": p.State, "id": p.ID, "servicelist": p.Services, "canenableindividualservice": k.individual}
}

func startAddProvider(c *Call) (string, error) {
	k, ok := providerNamed(c.Str("name"))
	physical, _ := c.PhysicalNetworks.Get(c.Str("physicalnetworkid"))
	_, there := c.NetworkProviders.Find(func(p NetworkProvider) bool { return p.PhysicalID == physical.ID && p.Name == k.name })
	switch {
	case !ok:
		return "", Invalid("Invalid Network Service Provider=%s", c.Str("name"))
	case there:
		return "", Internal("The '%s' provider already exists on physical network : %s", k.name, physical.ID)
	}
	services := k.services
	if wanted := c.List("servicelist"); len(wanted) > 0 {
		if err := k.offers(wanted); err != nil {
			return "", err
		}
		if !k.individual && len(wanted) != len(k.services) {
			return "", Invalid("Cannot enable subset of Services, Please specify the complete list of Services for this Service Provider '%s'", k.name)
		}
		services = wanted
	}
	p := NetworkProvider{Base: c.NetworkProviders.NewBase(), PhysicalID: physical.ID, Name: k.name, State: "Disabled", Services: services}
	if slices.Contains(routerElements, k.name) || k.name == "InternalLbVm" {
		p.ElementID = newUUID()
	}
	c.NetworkProviders.Put(p)
	return p.ID, nil
}

// offers refuses services that an element cannot give.
func (k providerKind) offers(services []string) error {
	for _, s := range services {
		switch {
		case !knownService(s) || s == "Gateway":
			return Invalid("Invalid Network Service specified=%s", s)
		case !slices.Contains(k.services, s):
			return Invalid("%s Provider cannot provide this Service specified=%s", k.name, s)
		}
	}
	return nil
}

func providerJob(c *Call) (Obj, error) {
	p, ok := c.NetworkProviders.Get(c.EntityID)
	if !ok {
		return nil, Internal("Fail to add a provider to physical network")
	}
	return Obj{"networkserviceprovider": providerResponse(p)}, nil
}

func updateProviderJob(c *Call) (Obj, error) {
	p, ok := c.NetworkProviders.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Network Service Provider id=%sdoesn't exist in the system", c.EntityID)
	}
	k, _ := providerNamed(p.Name)
	switch state := strings.ToLower(c.Str("state")); {
	case state == "":
	case state == "enabled" && p.ElementID != "" && !p.Configured:
		return nil, Internal("Provider is not ready, cannot Enable the provider, please configure the provider first")
	case state == "enabled":
		p.State = "Enabled"
	case state == "disabled":
		p.State = "Disabled"
	case state == "shutdown":
		return nil, Invalid("Updating the provider state to 'Shutdown' is not supported")
	default:
		return nil, Invalid("Unable to resolve state '%s' to a supported value {Enabled or Disabled}", c.Str("state"))
	}
	if wanted := c.List("servicelist"); len(wanted) > 0 {
		if !k.individual {
			return nil, Invalid("Cannot update set of Services for this Service Provider '%s'", p.Name)
		}
		if err := k.offers(wanted); err != nil {
			return nil, err
		}
		p.Services = wanted
	}
	c.NetworkProviders.Put(p)
	return Obj{"networkserviceprovider": providerResponse(p)}, nil
}

// deleteProviderJob shuts an element down; networks that use it keep it.
func deleteProviderJob(c *Call) (Obj, error) {
	p, ok := c.NetworkProviders.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Network Service Provider id=%sdoesn't exist in the system", c.EntityID)
	}
	for n := range c.Networks.All() {
		o, _ := c.NetworkOfferings.Any(n.OfferingID)
		if n.PhysicalID == p.PhysicalID && slices.ContainsFunc(o.Services, func(s Service) bool { return s.Provider == p.Name }) {
			return nil, Internal("Provider is not deletable because there are active networks using this provider, please upgrade these networks to new offerings")
		}
	}
	c.NetworkProviders.Delete(p.ID)
	return Success(), nil
}

// supportedService is a service that some provider can give.
type supportedService struct {
	Name         string  `json:"name"`
	Providers    [][]any `json:"providers"`    // name, whether services can be enabled one by one
	Capabilities [][]any `json:"capabilities"` // name, whether an offering may choose
}

func knownService(name string) bool {
	var all []supportedService
	return content.Read("network-services", &all) == nil && slices.ContainsFunc(all, func(s supportedService) bool { return s.Name == name })
}

func listSupportedServices(c *Call) (any, error) {
	var all []supportedService
	if err := content.Read("network-services", &all); err != nil {
		return nil, err
	}
	if s := c.Str("service"); s != "" && !knownService(s) {
		return nil, Invalid("Invalid Network Service=%s", s)
	}
	all = slices.DeleteFunc(all, func(s supportedService) bool {
		gives := slices.ContainsFunc(s.Providers, func(p []any) bool { return !c.Has("provider") || p[0] == c.Str("provider") })
		return !c.is("service", s.Name) || c.Has("provider") && !gives
	})
	return Listing("networkservice", all, func(s supportedService) Obj {
		providers, capabilities := []Obj{}, []Obj{}
		for _, p := range s.Providers {
			providers = append(providers, Obj{"name": p[0], "canenableindividualservice": p[1]})
		}
		for _, k := range s.Capabilities {
			capabilities = append(capabilities, Obj{"name": k[0], "canchooseservicecapability": k[1]})
		}
		return Obj{"name": s.Name, "provider": providers, "capability": capabilities}
	}), nil
}

func listElements(key string, names []string) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		rows := c.NetworkProviders.Where(func(p NetworkProvider) bool {
			return p.ElementID != "" && slices.Contains(names, p.Name) && c.is("id", p.ElementID) && c.is("nspid", p.ID) && c.isBool("enabled", p.Configured)
		})
		slices.Reverse(rows) // newest first
		return Listing(key, rows, elementResponse), nil
	}
}

func elementResponse(p NetworkProvider) Obj {
	return Obj{"id": p.ElementID, "nspid": p.ID, "enabled": p.Configured}
}

// startCreateElement makes the element behind a provider that has none yet.
func startCreateElement(c *Call) (string, error) {
	p, _ := c.NetworkProviders.Get(c.Str("nspid"))
	if p.ElementID == "" {
		p.ElementID = newUUID()
		c.NetworkProviders.Put(p)
	}
	return p.ElementID, nil
}

func (c *Call) elementGiven() (NetworkProvider, error) {
	p, ok := c.NetworkProviders.Find(func(p NetworkProvider) bool { return p.ElementID == c.EntityID })
	if !ok {
		return p, Internal("Failed to add Virtual Router entity to physical network")
	}
	return p, nil
}

func elementJob(key string) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		p, err := c.elementGiven()
		return Obj{key: elementResponse(p)}, err
	}
}

func configureElementJob(key string) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		p, err := c.elementGiven()
		if err != nil {
			return nil, err
		}
		p.Configured = c.Bool("enabled", false)
		c.NetworkProviders.Put(p)
		return Obj{key: elementResponse(p)}, nil
	}
}
