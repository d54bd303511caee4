package cloudsim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// snapshotPolicyCommands are snapshots that are made by the clock; see timetable.
var snapshotPolicyCommands = map[string]command{
	"createSnapshotPolicy": {run: createSnapshotPolicy, kinds: map[string]kind{"storageids": kindStoragePool}, event: "SNAPSHOTPOLICY.CREATE"},
	"updateSnapshotPolicy": {start: startSnapshotPolicy, job: displayJob("snapshotpolicy", func(c *Call) *Table[SnapshotPolicy] { return c.SnapshotPolicies },
		func(r *SnapshotPolicy) *bool { return &r.HideDisplay }, (*Call).snapshotPolicyResponse), id: kindSnapshotPolicy, event: "SNAPSHOTPOLICY.UPDATE"},
	"listSnapshotPolicies":   {run: listSnapshotPolicies, id: kindSnapshotPolicy},
	"deleteSnapshotPolicies": {run: deleteSnapshotPolicies, id: kindSnapshotPolicy, event: "SNAPSHOTPOLICY.DELETE"},
}

// snapshotIntervals are the kinds of policies in the order of their numbers.
var snapshotIntervals = []string{"HOURLY", "DAILY", "WEEKLY", "MONTHLY"}

// moment is a schedule such as "30", "30:14", "30:14:2": minute, hour, and day of the week (1 is Sunday) or of the month.
type moment struct{ minute, hour, day int }

// readMoment reads a schedule of a kind of policy; ok is false if it is none.
func readMoment(interval int, text string) (m moment, ok bool) {
	parts := strings.Split(text, ":")
	if want := []int{1, 2, 3, 3}[interval]; len(parts) != want {
		return m, false
	}
	// The server carries what is too large on to the next hour or day; only a day after the 28th of a month is refused.
	limits := []struct{ low, high int }{{0, 59}, {0, 59}, {0, 28}}
	for i, to := range []*int{&m.minute, &m.hour, &m.day} {
		if i >= len(parts) {
			break
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < limits[i].low || n > limits[i].high {
			return m, false
		}
		*to = n
	}
	if interval == 2 {
		m.day = (m.day+6)%7 + 1 // 0 is the day before Sunday
	}
	return m, true
}

// next is the first time after t that fits.
func (m moment) next(interval int, t time.Time) time.Time {
	at := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), m.minute, 0, 0, t.Location())
	if interval > 0 {
		at = time.Date(t.Year(), t.Month(), t.Day(), m.hour, m.minute, 0, 0, t.Location())
	}
	switch interval {
	case 0:
		for !at.After(t) {
			at = at.Add(time.Hour)
		}
	case 3:
		at = time.Date(t.Year(), t.Month(), m.day, m.hour, m.minute, 0, 0, t.Location())
		for !at.After(t) {
			at = at.AddDate(0, 1, 0)
		}
	default:
		for !at.After(t) || interval == 2 && int(at.Weekday())+1 != m.day {
			at = at.AddDate(0, 0, 1)
		}
	}
	return at.UTC()
}

// timezone is a zone of the world's by its name; what nobody knows is GMT, as for the server.
func timezone(name string) (*time.Location, string) {
	if loc, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
		return loc, name
	}
	return time.UTC, "GMT"
}

func (p SnapshotPolicy) following(t time.Time) time.Time {
	m, _ := readMoment(p.Interval, p.Schedule)
	loc, _ := timezone(p.Timezone)
	return m.next(p.Interval, t.In(loc))
}

func createSnapshotPolicy(c *Call) (any, error) {
	v, ok := c.Volumes.Get(c.Str("volumeid"))
	if !ok {
		return nil, Invalid("Failed to create snapshot policy, unable to find a volume with id %s", c.Str("volumeid"))
	}
	if err := c.Own(v.Owner); err != nil {
		return nil, err
	}
	vm, _ := c.VMs.Get(v.VMID)
	name := c.Str("intervaltype")
	interval := slices.IndexFunc(snapshotIntervals, func(s string) bool { return strings.EqualFold(s, name) })
	if v.State != volumeReady && c.Bool("fordisplay", true) {
		return nil, Invalid("Volume: %s is not in Ready state but %s. Cannot take snapshot.", volumeText(v, vm.N), v.State)
	}
	if interval < 0 {
		return nil, Invalid("Unsupported interval type %s", name)
	}
	if _, fits := readMoment(interval, c.Str("schedule")); !fits {
		return nil, Invalid("%s has an invalid schedule [%s] for interval type [%s].", volumeText(v, vm.N), c.Str("schedule"), snapshotIntervals[interval])
	}
	most := c.Int("maxsnaps", 0)
	if err := c.checkMaxSnaps(v, vm, interval, most); err != nil {
		return nil, err
	}
	_, zone := timezone(c.Str("timezone"))
	p, again := c.SnapshotPolicies.Find(func(p SnapshotPolicy) bool { return p.VolumeID == v.ID && p.Interval == interval })
	if !again {
		p = SnapshotPolicy{Base: c.SnapshotPolicies.NewBase(), Owner: v.Owner, VolumeID: v.ID, Interval: interval}
	}
	p.Schedule, p.Timezone, p.MaxSnaps, p.HideDisplay = c.Str("schedule"), zone, most, !c.Bool("fordisplay", true)
	p.ZoneIDs = c.List("zoneids")
	p.Next = p.following(c.Now())
	c.SnapshotPolicies.Put(p)
	for _, tag := range c.Maps("tags") {
		if !c.hasTag("SnapshotPolicy", p.ID, tag["key"]) {
			c.Tags.Put(Tag{Base: c.Tags.NewBase(), Owner: v.Owner, Key: tag["key"], Value: tag["value"], ResourceType: "SnapshotPolicy", ResourceID: p.ID})
		}
	}
	c.Made(p.ID)
	c.AfterCommit(c.Cloud.timetable.wake)
	return Obj{"snapshotpolicy": c.snapshotPolicyResponse(p)}, nil
}

func (c *Call) checkMaxSnaps(v Volume, vm VM, interval, most int) error {
	limit, err := strconv.Atoi(c.Setting("snapshot.max." + strings.ToLower(snapshotIntervals[interval])))
	if err != nil {
		limit = 8
	}
	a, _ := c.Accounts.Get(v.AccountID)
	whose := "domain/account"
	if a.Type == AccountProject {
		whose = "domain/project"
	}
	switch own := c.limit(a, limitSnapshot); {
	case most <= 0:
		return Invalid("maxSnaps [%d] for volume %s should be greater than 0.", most, volumeText(v, vm.N))
	case most > limit:
		return Invalid("maxSnaps [%d] for volume %s exceeds limit [%d] for interval type [%s].", most, volumeText(v, vm.N), limit, snapshotIntervals[interval])
	case own >= 0 && int64(most) > own:
		return Invalid("Max number of snapshots shouldn't exceed the %s level snapshot limit", whose)
	}
	return nil
}

func (c *Call) snapshotPolicyResponse(p SnapshotPolicy) Obj {
	v, _ := c.Volumes.Any(p.VolumeID)
	o := Obj{"id": p.ID, "volumeid": v.ID, "volumename": v.Name, "schedule": p.Schedule, "intervaltype": p.Interval, "maxsnaps": p.MaxSnaps, "timezone": p.Timezone,
		"storage": []Obj{}, "tags": c.tagsOf("SnapshotPolicy", p.ID)}
	zones := []Obj{}
	for _, id := range p.ZoneIDs {
		if z, ok := c.Zones.Any(id); ok {
			zones = append(zones, Obj{"id": z.ID, "name": z.Name})
		}
	}
	o["zone"] = zones
	if c.Caller.Root() {
		o["fordisplay"] = !p.HideDisplay
	}
	return o
}

func startSnapshotPolicy(c *Call) (string, error) {
	p, ok := c.SnapshotPolicies.Get(c.Str("id"))
	if !ok {
		return "", errMissing(c.Label(), "id")
	}
	return p.ID, c.Own(p.Owner)
}

func listSnapshotPolicies(c *Call) (any, error) {
	if v, ok := c.Volumes.Get(c.Str("volumeid")); ok {
		if err := c.Own(v.Owner); err != nil {
			return nil, err
		}
	}
	rows := c.SnapshotPolicies.Where(func(p SnapshotPolicy) bool {
		return c.is("id", p.ID) && c.is("volumeid", p.VolumeID) && c.isBool("fordisplay", !p.HideDisplay)
	})
	if c.Str("volumeid") == "" {
		var err error
		if rows, err = Visible(c, rows); err != nil {
			return nil, err
		}
	}
	return Listing("snapshotpolicy", rows, c.snapshotPolicyResponse), nil
}

func deleteSnapshotPolicies(c *Call) (any, error) {
	ids := append(c.List("ids"), c.List("id")...)
	if len(ids) == 0 {
		return nil, Invalid("No policy id (or list of ids) specified.")
	}
	for _, id := range ids {
		p, ok := c.SnapshotPolicies.Get(id)
		if !ok {
			return nil, Invalid("Policy id given: %s does not exist", id)
		}
		if err := c.Own(p.Owner); err != nil {
			return nil, err
		}
		c.ForgetTags(p.ID)
		c.SnapshotPolicies.Delete(p.ID)
	}
	return Success(), nil
}

// prepareSnapshot begins the snapshot that a policy is due for, and removes those that are more than it keeps.
func (c *Call) prepareSnapshot(p SnapshotPolicy) (Job, error) {
	job, err := c.prepare(c.ownerOf(p.Owner), "createSnapshot", Params{"volumeid": p.VolumeID})
	if err != nil {
		return job, err
	}
	s, _ := c.Snapshots.Get(job.EntityID)
	for _, id := range p.ZoneIDs {
		if id != s.ZoneID {
			s.OtherZoneIDs = append(slices.Clip(s.OtherZoneIDs), id)
		}
	}
	s.Interval, s.Type, s.PolicyID = snapshotIntervals[p.Interval], snapshotIntervals[p.Interval], p.ID
	c.Snapshots.Put(s)
	made := c.Snapshots.Where(func(s Snapshot) bool { return s.PolicyID == p.ID })
	for i := 0; i < len(made)-p.MaxSnaps; i++ {
		c.ForgetTags(made[i].ID)
		c.Snapshots.Delete(made[i].ID)
		c.dropDisk(made[i].DiskPath)
	}
	return job, nil
}
