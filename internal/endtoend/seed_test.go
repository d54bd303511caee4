package endtoend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seed returns the stack that is shipped as the first example.
func seed(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../specs/web-autoscale/spec.hcl")
	if err != nil {
		t.Fatal(err)
	}
	// Waiting for real machines to settle and to drain costs this test a
	// minute and shows nothing here.
	quick := strings.Replace(string(text), "rollout {\n", "rollout {\n    min_ready = \"0s\"\n    drain_timeout = \"0s\"\n", 1)
	if quick == string(text) {
		t.Fatal("the seed no longer has the rollout block that this test changes")
	}
	return quick
}

// TestSeed is the main job: from nothing to a URL that answers, a change of
// the served file, and back to nothing.
func TestSeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.inventory()
	w.write(seed(t))
	url := w.url(w.must("apply"))
	hosts := w.visit(url, 20)
	if len(hosts) < 2 {
		t.Errorf("answered by %v, want two guests", hosts)
	}
	if out := w.must("plan"); len(out.Steps) != 0 {
		t.Errorf("the plan afterwards is not empty: %v", out.Steps)
	}

	changed := strings.Replace(seed(t), "<?php echo gethostname(); phpinfo(); ?>", "<?php echo gethostname(); ?> version two", 1)
	if changed == seed(t) {
		t.Fatal("the seed no longer writes the file that this test changes")
	}
	w.write(changed)
	w.must("apply")
	for _, page := range w.pages(url, 10) {
		if !strings.Contains(page, "version two") {
			t.Errorf("an old page is served: %q", page)
		}
	}
	if out := w.must("plan"); len(out.Steps) != 0 {
		t.Errorf("the plan after the change is not empty: %v", out.Steps)
	}

	w.must("destroy")
	if diff := cmp.Diff(before, w.inventory()); diff != "" {
		t.Errorf("left over (-before +after):\n%s", diff)
	}
}

// TestSeedWithoutEgress expects a hint while planning: the build would fail at
// its first package.
func TestSeedWithoutEgress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	closed := regexp.MustCompile(`(?s)  egress \{.*?\n  \}\n`).ReplaceAllString(seed(t), "")
	if closed == seed(t) {
		t.Fatal("the seed no longer has the egress block that this test removes")
	}
	w.write(closed)
	if out := w.must("plan"); !strings.Contains(out.Said, "lets nothing out") {
		t.Errorf("no hint:\n%s", out.Said)
	}
}

// TestSeedKilled kills the program in the middle of the image build and of the
// deploy; one apply more must finish with nothing doubled or left over.
func TestSeedKilled(t *testing.T) {
	t.Parallel()
	first := newWorld(t)
	first.write(seed(t))
	first.must("apply")
	want := first.inventory()
	points := first.points("deployVirtualMachine", "createPortForwardingRule", "createTemplate", "createLoadBalancerRule", "createAutoScaleVmGroup")
	for command, at := range points {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/after=%t", command, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.write(seed(t))
				w.kill("apply", at, after)
				w.must("apply")
				w.settled(want)
			})
		}
	}
}

// points tells, for each command, at which mutating call of the program it
// first came.
func (w *world) points(commands ...string) map[string]int {
	w.t.Helper()
	out := map[string]int{}
	for _, command := range commands {
		for i, e := range w.sent {
			if e == command {
				out[command] = i + 1
				break
			}
		}
		if out[command] == 0 {
			w.t.Fatalf("%s was never called: %v", command, w.sent)
		}
	}
	return out
}

// url reads the stack's output of that name.
func (w *world) url(out outcome) string {
	w.t.Helper()
	var url string
	if err := json.Unmarshal([]byte(out.Outputs["url"]), &url); err != nil || url == "" {
		w.t.Fatalf("no url: %v, %v", out.Outputs, err)
	}
	return url
}

// visit asks for a page several times and returns who answered how often: the
// first word of the page is the guest's host name.
func (w *world) visit(url string, times int) map[string]int {
	w.t.Helper()
	hosts := map[string]int{}
	for _, page := range w.pages(url, times) {
		name, _, _ := strings.Cut(page, "<")
		name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
		hosts[name]++
	}
	return hosts
}

// pages asks for a page several times, each over a connection of its own; the
// guests may still be booting, so the first answer is waited for.
func (w *world) pages(url string, times int) []string {
	w.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	defer cancel()
	var out []string
	for len(out) < times {
		page, err := get(ctx, client, url)
		if err != nil {
			if ctx.Err() != nil {
				w.t.Fatalf("%s does not answer: %v", url, err)
			}
			if len(out) == 0 {
				continue
			}
			w.t.Fatalf("%s stopped answering: %v", url, err)
		}
		out = append(out, page)
	}
	return out
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s: %s", resp.Status, body)
	}
	return string(body), nil
}
