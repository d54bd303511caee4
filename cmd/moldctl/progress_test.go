package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/spec/addr"
)

func stepOf(action plan.Action, typ, name string) *plan.Step {
	return &plan.Step{Action: action, Instance: addr.Instance{Resource: addr.Resource{Type: typ, Name: name}}}
}

// newTestProgress shows two steps in a buffer.
func newTestProgress(live bool) (*progress, *bytes.Buffer, *plan.Step, *plan.Step) {
	image, network := stepOf(plan.Create, "image", "web"), stepOf(plan.Delete, "network", "old")
	var out bytes.Buffer
	s := &session{io: streams{out: &out}, flags: stackFlags{NoColor: true}}
	p := newProgress(s, &plan.Plan{Steps: []*plan.Step{image, network, stepOf(plan.NoOp, "network", "web")}})
	p.mu.Lock()
	p.live, p.wide = live, 40
	p.mu.Unlock()
	return p, &out, image, network
}

func TestProgressInLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, out, image, network := newTestProgress(false)
		p.observe(apply.Event{Kind: apply.Started, Step: image})
		p.observe(apply.Event{Kind: apply.Progress, Step: image, Text: "step 1 of 5\x1b[2J"})
		p.observe(apply.Event{Kind: apply.Progress, Step: image, Text: "step 1 of 5\x1b[2J"})
		p.observe(apply.Event{Kind: apply.Started, Step: network})
		p.observe(apply.Event{Kind: apply.Done, Step: network, Elapsed: 1500 * time.Millisecond})
		time.Sleep(32 * time.Second) // of the bubble's clock
		p.observe(apply.Event{Kind: apply.Failed, Step: image, Elapsed: 32 * time.Second})
		p.observe(apply.Event{Kind: apply.Skipped, Step: network, Text: "because image.web failed"})
		p.end()
		want := `image.web: creating
image.web: step 1 of 5\u001b[2J
network.old: deleting
network.old: deleted in 1.5s
image.web: still creating after 15s
image.web: still creating after 30s
image.web: failed after 32s
network.old: skipped because image.web failed
`
		if got := out.String(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	})
}

// screen carries out the few terminal commands that the live view uses.
func screen(text string) []string {
	lines := []string{""}
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b[2m"):
			text = text[4:]
		case strings.HasPrefix(text, "\x1b[0m"):
			text = text[4:]
		case strings.HasPrefix(text, "\x1b["): // up N lines, then clear to the end
			n := int(text[2] - '0')
			lines = append(lines[:len(lines)-1-n], "")
			text = text[4+len("\x1b[J"):]
		case text[0] == '\n':
			lines = append(lines, "")
			text = text[1:]
		default:
			lines[len(lines)-1] += text[:1]
			text = text[1:]
		}
	}
	return lines[:len(lines)-1]
}

func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, out, image, network := newTestProgress(true)
		show := func() string {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.draw()
			return strings.Join(screen(out.String()), "\n")
		}
		p.observe(apply.Event{Kind: apply.Started, Step: image})
		p.observe(apply.Event{Kind: apply.Started, Step: network})
		p.observe(apply.Event{Kind: apply.Progress, Step: image, Text: "a text that is longer than the terminal is wide"})
		time.Sleep(3 * time.Second)
		want := "  0 of 2\n  image.web: creating 3s  a text that i\n  network.old: deleting 3s"
		if got := show(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
		p.observe(apply.Event{Kind: apply.Done, Step: network, Elapsed: 3 * time.Second, ID: "7"})
		want = "network.old: deleted in 3s [7]\n  1 of 2\n  image.web: creating 3s  a text that i"
		if got := show(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
		p.end()
		if got := strings.Join(screen(out.String()), "\n"); got != "network.old: deleted in 3s [7]" {
			t.Errorf("the live view stays behind:\n%s", got)
		}
	})
}

func TestCutCountsColumns(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"abcdef": "abcd", "한국어": "한국", "a한국": "a한", "abc": "abc"} {
		if got := cut(text, 4); got != want {
			t.Errorf("cut(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestReachableAt(t *testing.T) {
	t.Parallel()
	public := map[string]string{"10.1.2.3:80": "127.0.0.1:4711"}
	for address, want := range map[string]string{
		"10.1.2.3": "127.0.0.1:4711", "10.1.2.3:80": "127.0.0.1:4711", "10.1.2.3:443": "10.1.2.3:443", "127.66.0.1:80": "127.66.0.1",
	} {
		if got := reachableAt(address, public); got != want {
			t.Errorf("reachableAt(%q) = %q, want %q", address, got, want)
		}
	}
}
