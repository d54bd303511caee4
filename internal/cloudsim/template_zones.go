package cloudsim

import "slices"

// in reports whether a template is in a zone: where it was made, where it was copied to, or everywhere.
func (t Template) in(zoneID string) bool {
	return t.CrossZones || t.ZoneID == zoneID || slices.Contains(t.OtherZoneIDs, zoneID)
}

// zoneRows are a template as lists show it, once for each zone it is in. Zones that are not enabled have no images yet.
func (c *Call) zoneRows(t Template) []Template {
	rows := []Template{t}
	for z := range c.Zones.All() {
		if z.ID == t.ZoneID || !t.in(z.ID) || t.CrossZones && z.AllocationState != "Enabled" && !slices.Contains(t.OtherZoneIDs, z.ID) {
			continue
		}
		other := t
		other.ZoneID = z.ID
		rows = append(rows, other)
	}
	return rows
}

// without takes a template out of one zone; left is false if no zone is left, or none was named.
func (t Template) without(zoneID string) (rest Template, left bool) {
	switch {
	case zoneID == "" || len(t.OtherZoneIDs) == 0:
		return t, false
	case t.ZoneID == zoneID:
		t.ZoneID, t.OtherZoneIDs = t.OtherZoneIDs[0], t.OtherZoneIDs[1:]
	default:
		t.OtherZoneIDs = slices.DeleteFunc(slices.Clone(t.OtherZoneIDs), func(id string) bool { return id == zoneID })
	}
	return t, true
}

// copyImageJob copies a template or ISO to further zones, where it has the same id.
func copyImageJob(key string) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		t, ok := c.Templates.Get(c.EntityID)
		targets := append(c.List("destzoneids"), c.List("destzoneid")...)
		from := c.Or("sourcezoneid", t.ZoneID)
		switch {
		case !ok:
			return nil, Invalid("Unable to find template with id")
		case len(targets) == 0:
			return nil, Invalid("Either destzoneid or destzoneids parameters have to be specified.")
		case slices.Contains(targets, from):
			return nil, Invalid("Please specify different source and destination zones.")
		case !t.Ready || !t.in(from):
			a, _ := c.Accounts.Any(t.AccountID)
			return nil, Invalid("There is no template %s ready on image store.", templateText(t, a))
		}
		for _, id := range targets {
			if !t.in(id) {
				t.OtherZoneIDs = append(slices.Clone(t.OtherZoneIDs), id)
			}
		}
		c.Templates.Put(t)
		shown := t
		shown.ZoneID = targets[0]
		if key == "iso" {
			return Obj{key: c.isoResponse(shown)}, nil
		}
		return Obj{key: c.templateResponse(shown)}, nil
	}
}
