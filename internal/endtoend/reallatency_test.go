package endtoend_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/internal/cloudsim"
)

// TestSeedAsUser builds the seed with the keys of an ordinary user, who may not
// expunge, on a cloud that takes as long as a real one. It takes minutes, so it
// runs only when asked for.
func TestSeedAsUser(t *testing.T) {
	if os.Getenv("MOLDCTL_SOAK") == "" {
		t.Skip("SKIPPED: takes minutes; MOLDCTL_SOAK runs it")
	}
	t.Parallel()
	w := newWorldWith(t, cloudsim.Options{Latency: cloudsim.LatencyReal, TimeScale: 1})
	w.account = "user"
	before := w.inventory()
	w.write(seed(t))
	began := time.Now()
	url := w.url(w.must("apply"))
	t.Logf("applied after %s", time.Since(began).Round(time.Second))
	if hosts := w.visit(url, 20); len(hosts) < 2 {
		t.Errorf("answered by %v, want two guests", hosts)
	}
	if out := w.must("plan"); len(out.Steps) != 0 {
		t.Errorf("the plan afterwards is not empty: %v", out.Steps)
	}
	began = time.Now()
	// The members and the build machine are Destroyed, and the network goes when
	// the cloud has expunged them, after expunge.delay of 20 s here.
	w.must("destroy")
	t.Logf("destroyed after %s", time.Since(began).Round(time.Second))
	if diff := cmp.Diff(before, w.inventory()); diff != "" {
		t.Errorf("left over (-before +after):\n%s", diff)
	}
}
