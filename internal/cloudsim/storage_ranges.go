package cloudsim

import "net/netip"

// storageRangeCommands are the addresses that a pod's hosts have for storage.
var storageRangeCommands = map[string]command{
	"createStorageNetworkIpRange": {start: startStorageRange, job: storageRangeJob, creates: true, rootOnly: true, event: "STORAGE.IP.RANGE.CREATE"},
	"listStorageNetworkIpRange":   {run: listStorageRanges, id: kindServerRange, rootOnly: true},
	"updateStorageNetworkIpRange": {start: startStorageRangeByID, job: updateStorageRangeJob, id: kindServerRange, rootOnly: true, event: "STORAGE.IP.RANGE.UPDATE"},
	"deleteStorageNetworkIpRange": {start: startStorageRangeByID, job: deleteStorageRangeJob, id: kindServerRange, rootOnly: true, event: "STORAGE.IP.RANGE.DELETE"},
}

// storagePurpose marks a range of servers' addresses as one for storage.
const storagePurpose = "storage"

func startStorageRange(c *Call) (string, error) {
	pod, ok := c.Pods.Get(c.Str("podid"))
	if !ok {
		return "", Invalid("Unable to find pod by id %s", c.Str("podid"))
	}
	r := ServerRange{Base: c.ServerRanges.NewBase(), Purpose: storagePurpose, ZoneID: pod.ZoneID, PodID: pod.ID, Gateway: c.Str("gateway"),
		Netmask: c.Str("netmask"), StartIP: c.Str("startip"), EndIP: c.Or("endip", c.Str("startip")), VLAN: c.Str("vlan")}
	if err := c.checkStorageRange(r); err != nil {
		return "", err
	}
	c.ServerRanges.Put(r)
	return r.ID, nil
}

// checkStorageRange refuses a range that is none, or that shares addresses with another one of its zone.
func (c *Call) checkStorageRange(r ServerRange) error {
	bits, ok := maskBits(r.Netmask)
	start, errStart := netip.ParseAddr(r.StartIP)
	end, errEnd := netip.ParseAddr(r.EndIP)
	gateway, errGateway := netip.ParseAddr(r.Gateway)
	switch {
	case !ok:
		return Invalid("Invalid netmask: %s", r.Netmask)
	case errGateway != nil:
		return Invalid("Invalid gateway: %s", r.Gateway)
	case errStart != nil || errEnd != nil || end.Less(start):
		return Invalid("Please specify a valid IP range: %s - %s", r.StartIP, r.EndIP)
	}
	if net := netip.PrefixFrom(gateway, bits).Masked(); !net.Contains(start) || !net.Contains(end) {
		return Invalid("Please ensure that your start IP is in the same subnet as the pod's gateway: %s", r.Gateway)
	}
	for o := range c.ServerRanges.All() {
		from, errFrom := netip.ParseAddr(o.StartIP)
		to, errTo := netip.ParseAddr(o.EndIP)
		if o.ID == r.ID || o.Purpose != r.Purpose || o.ZoneID != r.ZoneID || errFrom != nil || errTo != nil {
			continue
		}
		if !end.Less(from) && !to.Less(start) {
			return Invalid("The IP range %s-%s overlaps with the range %s-%s", r.StartIP, r.EndIP, o.StartIP, o.EndIP)
		}
	}
	return nil
}

func storageRangeJob(c *Call) (Obj, error) {
	r, ok := c.ServerRanges.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create storage network IP range")
	}
	return Obj{"storagenetworkiprange": storageRangeResponse(r)}, nil
}

func startStorageRangeByID(c *Call) (string, error) {
	r, ok := c.ServerRanges.Get(c.Str("id"))
	if !ok || r.Purpose != storagePurpose {
		return "", Invalid("Can't find storage network IP range %s", c.Str("id"))
	}
	return r.ID, nil
}

func updateStorageRangeJob(c *Call) (Obj, error) {
	r, ok := c.ServerRanges.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Can't find storage network IP range %s", c.EntityID)
	}
	r.StartIP, r.EndIP = c.Or("startip", r.StartIP), c.Or("endip", r.EndIP)
	r.Netmask, r.VLAN = c.Or("netmask", r.Netmask), c.Or("vlan", r.VLAN)
	if err := c.checkStorageRange(r); err != nil {
		return nil, err
	}
	c.ServerRanges.Put(r)
	return Obj{"storagenetworkiprange": storageRangeResponse(r)}, nil
}

func deleteStorageRangeJob(c *Call) (Obj, error) {
	c.ServerRanges.Delete(c.EntityID)
	return Success(), nil
}

func listStorageRanges(c *Call) (any, error) {
	rows := c.ServerRanges.Where(func(r ServerRange) bool {
		return r.Purpose == storagePurpose && c.is("id", r.ID) && c.is("podid", r.PodID) && c.is("zoneid", r.ZoneID)
	})
	return Listing("storagenetworkiprange", rows, storageRangeResponse), nil
}

func storageRangeResponse(r ServerRange) Obj {
	o := Obj{"id": r.ID, "zoneid": r.ZoneID, "podid": r.PodID, "gateway": r.Gateway, "netmask": r.Netmask, "startip": r.StartIP, "endip": r.EndIP}
	if vlan := (Params{"vlan": r.VLAN}).Int("vlan", 0); vlan > 0 {
		o["vlan"] = vlan
	}
	return o
}
