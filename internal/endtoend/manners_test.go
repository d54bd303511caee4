package endtoend_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// gate stands between the program and the cloud, takes its time over each
// request, and bears only so many at once.
type gate struct {
	*httptest.Server

	mu      sync.Mutex
	bears   int // more are refused; 0 bears all
	flight  int
	peak    int
	asked   int
	refused int
}

func newGate(t *testing.T, endpoint string, latency time.Duration) *gate {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		// Whoever hears the answer may ask again at once.
		ModifyResponse: func(*http.Response) error { g.leave(); return nil },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			g.leave()
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			g.leave()
			http.Error(w, "too much to do", http.StatusServiceUnavailable)
			return
		}
		time.Sleep(latency) // a real socket is waited for
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

// enter tells whether the request is borne.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flight++
	g.asked++
	g.peak = max(g.peak, g.flight)
	if g.bears > 0 && g.flight > g.bears {
		g.refused++
		return false
	}
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flight--
}

// counts returns what was counted since it was last asked, and says how many
// are borne from now on.
func (g *gate) counts(bears int) (peak, asked, refused int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	peak, asked, refused = g.peak, g.asked, g.refused
	g.peak, g.asked, g.refused, g.bears = 0, 0, 0, bears
	return peak, asked, refused
}

// broad has objects of several plugins that need nothing of each other.
const broad = `
resource "network" "n" {
  count    = 12
  name     = "n${count.index}"
  offering = "DefaultIsolatedNetworkOfferingWithSourceNatService"
}
resource "ssh_keypair" "k" {
  count = 12
  name  = "k${count.index}"
}
resource "affinity_group" "g" {
  count = 6
  name  = "g${count.index}"
  type  = "host anti-affinity"
}
resource "role" "r" {
  count = 12
  name  = "r${count.index}"
  type  = "User"
}
`

// TestOneLimitForAllPlugins applies and destroys a stack of several plugins
// with a limit smaller than what they could do at once: the cloud never has
// more requests under way than that. Then it refuses some for load, whoever
// sends them: nothing is lost.
func TestOneLimitForAllPlugins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := newGate(t, w.cloud.Endpoint(), 20*time.Millisecond)
	w.endpoint = g.URL + "/client/api"
	w.env = []string{"MOLD_MAX_REQUESTS=4"}
	w.write(broad)
	w.must("apply")
	creates := w.creates()
	inventory := w.inventory()
	if peak, asked, _ := g.counts(2); peak > 4 || peak < 3 {
		t.Errorf("%d requests at once of %d, where 4 are allowed", peak, asked)
	}
	w.must("destroy")
	peak, asked, refused := g.counts(2)
	if peak > 4 || refused == 0 || refused > asked/3 {
		t.Errorf("a cloud that bears 2 at once: %d at once, %d of %d refused", peak, refused, asked)
	}
	t.Logf("destroy in a storm: %d of %d refused", refused, asked)
	w.must("apply")
	peak, asked, refused = g.counts(0)
	if peak > 4 || refused == 0 || refused > asked/3 {
		t.Errorf("a cloud that bears 2 at once: %d at once, %d of %d refused", peak, refused, asked)
	}
	for command, n := range w.creates() {
		if n != 2*creates[command] {
			t.Errorf("%s %d times in two applies, %d in the first", command, n, creates[command])
		}
	}
	w.settled(inventory)
}
