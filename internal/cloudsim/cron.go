package cloudsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is an expression of five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).
type cron struct {
	minute, hour, day, month, weekday [60]bool
	anyDay, anyWeekday                bool
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func readCron(text string) (cron, error) {
	var c cron
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return c, fmt.Errorf("cron expression %q: want five fields, got %d", text, len(fields))
	}
	for i, f := range []struct {
		set       *[60]bool
		low, high int
		names     []string
	}{{&c.minute, 0, 59, nil}, {&c.hour, 0, 23, nil}, {&c.day, 1, 31, nil}, {&c.month, 1, 12, monthNames}, {&c.weekday, 0, 7, weekdayNames}} {
		if err := readCronField(fields[i], f.set, f.low, f.high, f.names); err != nil {
			return c, fmt.Errorf("cron expression %q: %w", text, err)
		}
	}
	c.weekday[0] = c.weekday[0] || c.weekday[7]
	c.anyDay, c.anyWeekday = fields[2] == "*" || fields[2] == "?", fields[4] == "*" || fields[4] == "?"
	if c.next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return c, fmt.Errorf("cron expression %q: it never comes", text)
	}
	return c, nil
}

// readCronField reads one field: lists of *, numbers or names, ranges of them, each with a step after a slash.
func readCronField(text string, set *[60]bool, low, high int, names []string) error {
	for _, part := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return fmt.Errorf("bad step %q", part)
			}
			step = n
		}
		from, to := low, high
		if span != "*" && span != "?" {
			a, b, ranged := strings.Cut(span, "-")
			var err error
			if from, err = cronNumber(a, low, high, names); err != nil {
				return err
			}
			switch {
			case ranged:
				if to, err = cronNumber(b, low, high, names); err != nil {
					return err
				}
			case !stepped:
				to = from
			}
		}
		if from > to {
			return fmt.Errorf("bad range %q", part)
		}
		for n := from; n <= to; n += step {
			set[n] = true
		}
	}
	return nil
}

func cronNumber(text string, low, high int, names []string) (int, error) {
	for i, name := range names {
		if strings.EqualFold(name, text) {
			return i + low, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("bad value %q", text)
	}
	return n, nil
}

// next is the first minute after t that fits; zero if none comes within five years.
func (c cron) next(t time.Time) time.Time {
	at := t.Truncate(time.Minute).Add(time.Minute)
	for end := t.AddDate(5, 0, 0); at.Before(end); {
		switch {
		case !c.month[at.Month()] || !c.onDay(at):
			at = time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, at.Location())
		case !c.hour[at.Hour()]:
			at = at.Truncate(time.Hour).Add(time.Hour)
		case !c.minute[at.Minute()]:
			at = at.Add(time.Minute)
		default:
			return at
		}
	}
	return time.Time{}
}

// onDay tells whether a day fits; if both kinds of day are given one of them is enough, as cron has it.
func (c cron) onDay(t time.Time) bool {
	day, weekday := c.day[t.Day()], c.weekday[t.Weekday()]
	if !c.anyDay && !c.anyWeekday {
		return day || weekday
	}
	return day && weekday
}
