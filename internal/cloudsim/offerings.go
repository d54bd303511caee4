package cloudsim

import "maps"

func listServiceOfferings(c *Call) (any, error) {
	if c.Bool("issystem", false) {
		return List{Key: "serviceoffering"}, nil
	}
	if c.Caller.Account.Name == systemAccount {
		return nil, Invalid("Account and domainId are needed for resource creation")
	}
	rows := c.ServiceOfferings.Where(func(o ServiceOffering) bool {
		return c.named(o.ID, o.Name, o.DisplayText) && c.offeredHere(o.DomainIDs) && (o.State != "Inactive" || c.Caller.Root())
	})
	return Listing("serviceoffering", rows, c.serviceOfferingResponse), nil
}

func (c *Call) serviceOfferingResponse(o ServiceOffering) Obj {
	r := Obj{"id": o.ID, "name": o.Name, "state": valueOr(o.State, "Active"), "displaytext": o.DisplayText, "created": timeText(o.Created),
		"storagetype": "shared", "provisioningtype": valueOr(o.ProvisioningType, "thin"), "offerha": o.OfferHA, "limitcpuuse": o.LimitCPUUse,
		"isvolatile": o.Volatile, "issystem": false, "defaultuse": false, "iscustomized": o.Customized, "rootdisksize": o.RootDiskSize,
		"dynamicscalingenabled": o.DynamicScaling, "diskofferingstrictness": false, "encryptroot": o.EncryptRoot, "hasannotations": false}
	r.Opt("diskofferingid", o.DiskOfferingID)
	if o.DiskOfferingID != "" {
		r["diskofferingname"], r["diskofferingdisplaytext"] = valueOr(o.DiskOfferingName, o.Name), valueOr(o.DiskOfferingText, o.DisplayText)
	}
	if o.Made {
		r["gpudisplay"] = false
	}
	if o.StorageTags != nil {
		r["storagetags"] = *o.StorageTags
	}
	details := maps.Clone(o.Details)
	if len(o.DomainIDs) > 0 {
		c.putScope(r, o.DomainIDs, nil)
		details = maps.Clone(detailsObj(details))
		details["domainid"] = c.domainNumbers(o.DomainIDs)
	}
	if len(details) > 0 {
		r["serviceofferingdetails"] = details
	}
	c.putScope(r, nil, o.ZoneIDs)
	r.Opt("hosttags", o.HostTags)
	for field, n := range map[string]int{"networkrate": o.NetworkRate, "cpunumber": o.CPUNumber, "cpuspeed": o.CPUSpeed, "memory": o.Memory} {
		if n > 0 {
			r[field] = n
		}
	}
	return r
}

func listDiskOfferings(c *Call) (any, error) {
	rows := c.DiskOfferings.Where(func(o DiskOffering) bool {
		return c.named(o.ID, o.Name, o.DisplayText) && c.offeredHere(o.DomainIDs) && (o.State != "Inactive" && !o.Hidden || c.Caller.Root())
	})
	return Listing("diskoffering", rows, c.diskOfferingResponse), nil
}

func listNetworkOfferings(c *Call) (any, error) {
	rows := c.NetworkOfferings.Where(func(o NetworkOffering) bool {
		if !c.named(o.ID, o.Name, o.DisplayText) || !c.is("state", o.State) || !c.is("guestiptype", o.GuestIPType) ||
			!c.is("traffictype", o.TrafficType) || !c.is("availability", o.Availability) || !c.isBool("forvpc", o.ForVPC) ||
			!c.isBool("isdefault", o.IsDefault) || !c.isBool("specifyvlan", o.SpecifyVLAN) {
			return false
		}
		for _, s := range c.List("supportedservices") {
			if !o.Has(s) {
				return false
			}
		}
		return true
	})
	return Listing("networkoffering", rows, c.networkOfferingResponse), nil
}

func (c *Call) networkOfferingResponse(o NetworkOffering) Obj {
	r := Obj{"id": o.ID, "name": o.Name, "displaytext": o.DisplayText, "created": timeText(o.Created), "traffictype": o.TrafficType,
		"isdefault": o.IsDefault, "specifyvlan": o.SpecifyVLAN, "conservemode": o.ConserveMode, "specifyipranges": o.SpecifyIPRanges,
		"availability": o.Availability, "state": o.State, "guestiptype": o.GuestIPType, "service": offeredServices(o.Services),
		"forvpc": o.ForVPC, "fornsx": o.ForNSX, "fortungsten": o.ForTungsten, "ispersistent": o.IsPersistent,
		"egressdefaultpolicy": o.EgressDefaultPolicy, "supportsstrechedl2subnet": o.StretchedL2, "supportspublicaccess": o.PublicAccess,
		"supportsinternallb": o.InternalLB, "specifyasnumber": false, "hasannotations": false}
	if o.MaxConnections > 0 {
		r["maxconnections"] = o.MaxConnections
	}
	c.putScope(r, o.DomainIDs, o.ZoneIDs)
	if o.NetworkRate > 0 {
		r["networkrate"] = o.NetworkRate
	}
	return r.Opt("serviceofferingid", o.ServiceOfferingID).Opt("networkmode", o.NetworkMode).Opt("internetprotocol", o.InternetProtocol)
}

// offeredServices is the short form that offerings have: services, their providers, and what the offering fixes of them.
func offeredServices(services []Service) []Obj {
	out := make([]Obj, 0, len(services))
	for _, s := range services {
		o := serviceResponse(s)
		if len(s.Offered) > 0 {
			o["capability"] = capabilityResponse(s.Offered)
		}
		out = append(out, o)
	}
	return out
}

// networkServices is the long form of networks: all that the provider declares.
func networkServices(services []Service) []Obj {
	out := make([]Obj, 0, len(services))
	for _, s := range services {
		o := serviceResponse(s)
		o["capability"] = capabilityResponse(s.Capabilities)
		out = append(out, o)
	}
	return out
}

func serviceResponse(s Service) Obj {
	o := Obj{"name": s.Name}
	if s.Provider != "" {
		o["provider"] = []Obj{{"name": s.Provider}}
	}
	return o
}

func capabilityResponse(caps []Capability) []Obj {
	out := make([]Obj, 0, len(caps))
	for _, c := range caps {
		out = append(out, Obj{"name": c.Name, "value": c.Value, "canchooseservicecapability": c.CanChoose})
	}
	return out
}

func listVPCOfferings(c *Call) (any, error) {
	rows := c.VPCOfferings.Where(func(o VPCOffering) bool {
		return c.named(o.ID, o.Name, o.DisplayText) && c.is("state", o.State) && c.isBool("isdefault", o.IsDefault)
	})
	return Listing("vpcoffering", rows, c.vpcOfferingResponse), nil
}

func (c *Call) vpcOfferingResponse(o VPCOffering) Obj {
	r := Obj{"id": o.ID, "name": o.Name, "displaytext": o.DisplayText, "created": timeText(o.Created), "isdefault": o.IsDefault,
		"state": o.State, "service": offeredServices(o.Services), "distributedvpcrouter": o.Distributed,
		"supportsregionLevelvpc": o.RegionLevel, "fornsx": o.ForNSX, "internetprotocol": "IPv4", "specifyasnumber": false}
	c.putScope(r, o.DomainIDs, o.ZoneIDs)
	return r.Opt("networkmode", o.NetworkMode)
}
