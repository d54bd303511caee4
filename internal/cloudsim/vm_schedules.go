package cloudsim

import (
	"slices"
	"strings"
	"time"
)

// scheduleCommands start, stop and reboot machines by the clock; see timetable.
var scheduleCommands = map[string]command{
	"createVMSchedule": {run: createSchedule, event: "VM.SCHEDULE.CREATE"},
	"listVMSchedule":   {run: listSchedules, id: kindSchedule},
	"updateVMSchedule": {run: updateSchedule, id: kindSchedule, event: "VM.SCHEDULE.UPDATE"},
	"deleteVMSchedule": {run: deleteSchedule, id: kindSchedule, event: "VM.SCHEDULE.DELETE"},
}

// scheduleActions are what a schedule can do, and by which command with which parameters.
var scheduleActions = map[string]struct {
	command string
	params  Params
}{
	"START": {"startVirtualMachine", nil}, "STOP": {"stopVirtualMachine", nil}, "REBOOT": {"rebootVirtualMachine", nil},
	"FORCE_STOP": {"stopVirtualMachine", Params{"forced": "true"}}, "FORCE_REBOOT": {"rebootVirtualMachine", Params{"forced": "true"}},
}

// vmOfSchedule is the machine that virtualmachineid names.
func (c *Call) vmOfSchedule(id string) (VM, error) {
	vm, ok := c.VMs.Get(id)
	if !ok {
		return vm, Invalid("Invalid value for vmId: %s", id)
	}
	return vm, c.Own(vm.Owner)
}

func createSchedule(c *Call) (any, error) {
	vm, err := c.vmOfSchedule(c.Str("virtualmachineid"))
	if err != nil {
		return nil, err
	}
	action := strings.ToUpper(c.Str("action"))
	if _, ok := scheduleActions[action]; !ok {
		return nil, Invalid("Invalid value for action: %s", c.Str("action"))
	}
	s := VMSchedule{Base: c.Schedules.NewBase(), VMID: vm.ID, Action: action, Enabled: c.Bool("enabled", true)}
	if err := c.fillSchedule(&s); err != nil {
		return nil, err
	}
	if s.Description == "" {
		s.Description = action + " - " + s.Schedule
	}
	c.Schedules.Put(s)
	c.Made(s.ID)
	c.AfterCommit(c.Cloud.timetable.wake)
	return Obj{"vmschedule": scheduleResponse(s)}, nil
}

// fillSchedule reads times, which are those of the schedule's zone unless they say otherwise.
func (c *Call) fillSchedule(s *VMSchedule) error {
	s.Schedule, s.Description = c.Or("schedule", s.Schedule), c.Or("description", s.Description)
	loc, name := timezone(c.Or("timezone", s.Timezone))
	if z := c.Str("timezone"); z != "" && name != z {
		return Invalid("Invalid value for timezone: %s", z)
	}
	s.Timezone = name
	if _, err := readCron(s.Schedule); err != nil {
		return Invalid("Invalid value for schedule: %s", s.Schedule)
	}
	now := c.Now()
	if text := c.Str("startdate"); text != "" {
		t, err := dateIn(text, loc)
		if err != nil || t.Before(now.Add(-time.Minute)) {
			return Invalid("Invalid value for start date. Start date [%s] can't be before current time [%s].", text, timeText(now))
		}
		s.StartDate = t
	} else if s.StartDate.IsZero() {
		s.StartDate = now
	}
	if text := c.Str("enddate"); text != "" {
		t, err := dateIn(text, loc)
		if err != nil || t.Before(now) {
			return Invalid("Invalid value for end date. End date [%s] can't be before current time [%s].", text, timeText(now))
		}
		if t.Before(s.StartDate) {
			return Invalid("Invalid value for end date. End date [%s] can't be before start date [%s].", text, timeText(s.StartDate))
		}
		s.EndDate = &t
	}
	s.Next = s.following(now)
	return nil
}

// dateIn reads a date of a time zone.
func dateIn(text string, loc *time.Location) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return t.UTC(), nil
		}
	}
	return parseDate(text)
}

// following is when a schedule is due for the first time after t; zero if never.
func (s VMSchedule) following(t time.Time) time.Time {
	cron, err := readCron(s.Schedule)
	if err != nil {
		return time.Time{}
	}
	if t.Before(s.StartDate) {
		t = s.StartDate.Add(-time.Second)
	}
	loc, _ := timezone(s.Timezone)
	next := cron.next(t.In(loc)).UTC()
	if s.EndDate != nil && next.After(*s.EndDate) {
		return time.Time{}
	}
	return next
}

func scheduleResponse(s VMSchedule) Obj {
	o := Obj{"id": s.ID, "virtualmachineid": s.VMID, "action": s.Action, "description": s.Description, "schedule": s.Schedule, "timezone": s.Timezone, "enabled": s.Enabled,
		"startdate": timeText(s.StartDate), "created": timeText(s.Created)}
	if s.EndDate != nil {
		o["enddate"] = timeText(*s.EndDate)
	}
	return o
}

func listSchedules(c *Call) (any, error) {
	vm, err := c.vmOfSchedule(c.Str("virtualmachineid"))
	if err != nil {
		return nil, err
	}
	rows := c.Schedules.Where(func(s VMSchedule) bool {
		return s.VMID == vm.ID && c.is("id", s.ID) && (!c.Has("action") || strings.EqualFold(c.Str("action"), s.Action)) && c.isBool("enabled", s.Enabled) &&
			strings.Contains(strings.ToLower(s.Description), strings.ToLower(c.Str("keyword")))
	})
	return Listing("vmschedule", rows, scheduleResponse), nil
}

func updateSchedule(c *Call) (any, error) {
	s, ok := c.Schedules.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("Invalid value for vmScheduleId: %s", c.Str("id"))
	}
	if _, err := c.vmOfSchedule(s.VMID); err != nil {
		return nil, err
	}
	s.Enabled = c.Bool("enabled", s.Enabled)
	if err := c.fillSchedule(&s); err != nil {
		return nil, err
	}
	c.Schedules.Put(s)
	c.Made(s.ID)
	c.AfterCommit(c.Cloud.timetable.wake)
	return Obj{"vmschedule": scheduleResponse(s)}, nil
}

func deleteSchedule(c *Call) (any, error) {
	vm, err := c.vmOfSchedule(c.Str("virtualmachineid"))
	if err != nil {
		return nil, err
	}
	ids := append(c.List("ids"), c.List("id")...)
	if len(ids) == 0 {
		return nil, BadParam("Either id or ids parameter must be specified")
	}
	doomed := c.Schedules.Where(func(s VMSchedule) bool { return s.VMID == vm.ID && slices.Contains(ids, s.ID) })
	if len(doomed) == 0 {
		return nil, Fail(530, csServer, "Failed to delete VM Schedule")
	}
	for _, s := range doomed {
		c.Schedules.Delete(s.ID)
	}
	return Success(), nil
}

// forgetSchedules removes the schedules of a machine that goes.
func (c *Call) forgetSchedules(vmID string) {
	for s := range c.Schedules.All() {
		if s.VMID == vmID {
			c.Schedules.Delete(s.ID)
		}
	}
}
