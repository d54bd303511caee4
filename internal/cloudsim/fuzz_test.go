package cloudsim

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// soak reports whether the long tests are wanted.
func soak() bool { return os.Getenv("MOLDCTL_SOAK") != "" }

// stormCalls is how many calls go to a cloud before it is reset; fuzzers is how many callers make them at once.
const stormCalls, fuzzers = 1000, 4

// TestFuzz calls every command with values of wrong types, sizes, encodings and kinds: no handler may panic, what the API table
// calls invalid is refused with 431, every answer is well formed, and after a reset nothing of it all is left in memory. It does
// not run beside other tests, whose memory it would count.
func TestFuzz(t *testing.T) {
	total := 10 * stormCalls
	if soak() {
		total = 1_000_000
	}
	f := startFuzz(t)
	var before, after footprint
	began := time.Now()
	for round := range total / stormCalls {
		f.storm(uint64(round))
		if t.Failed() {
			return
		}
		if after = f.reset(); round == 1 {
			before = after // the first rounds fill caches
		}
		if round%50 == 49 {
			t.Logf("%d calls: %d accepted, %d refused; %v", (round+1)*stormCalls, f.accepted.Load(), f.refused.Load(), after)
		}
	}
	t.Logf("%d calls in %s: %d accepted, %d refused for what the table says, %d without an administrator; afterwards %v, in the beginning %v",
		total, time.Since(began).Round(time.Second), f.accepted.Load(), f.refused.Load(), f.lost.Load(), after, before)
	if after.goroutines > before.goroutines+4 || after.heap > before.heap+before.heap/4+4<<20 {
		t.Errorf("the cloud grew: %v, in the beginning %v", after, before)
	}
	if n := int64(total); f.accepted.Load() < n/20 || f.refused.Load() < n/20 || f.lost.Load() > n/50 {
		t.Error("the calls are not mixed well")
	}
}

// footprint is what a process needs.
type footprint struct {
	goroutines int
	heap       uint64
}

func (p footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d KiB", p.goroutines, p.heap>>10)
}

// fuzz is a cloud under a storm of calls.
type fuzz struct {
	*Cloud
	t                 *testing.T
	names             []string // of all commands
	accepted, refused atomic.Int64
	lost              atomic.Int64 // calls after an earlier one had taken the administrator's rights away
	root              Caller
}

func startFuzz(t *testing.T) *fuzz {
	t.Helper()
	f := &fuzz{t: t}
	f.Cloud = startCloud(t, Options{PublicRange: ownRange(), Log: func(format string, args ...any) {
		if strings.Contains(format, "panicked") {
			t.Errorf(format, args...)
		}
	}})
	f.names = sortedKeys(f.commands)
	f.furnish()
	return f
}

// furnish makes things whose ids a call may name.
func (f *fuzz) furnish() {
	keys, ok := f.Keys("admin")
	if !ok {
		f.t.Fatal("there is no administrator")
	}
	if f.root, ok = f.callerOf(keys.APIKey); !ok {
		f.t.Fatal("the administrator's key is not known")
	}
	c := useCompute(f.t, "admin", f.Cloud)
	c.deploy("web", "startvm", "false")
	disk := first(f.t, must(f.t, c.Cloud, "admin", "listDiskOfferings", "name", "Small"), "diskoffering")
	mustJob(f.t, c.Cloud, "admin", "createVolume", "name", "data", "zoneid", c.zone, "diskofferingid", disk)
	ip := mustJob(f.t, c.Cloud, "admin", "associateIpAddress", "networkid", c.network).object("ipaddress")["id"].(string)
	mustJob(f.t, c.Cloud, "admin", "createFirewallRule", "ipaddressid", ip, "protocol", "tcp", "startport", "80", "endport", "80")
	mustJob(f.t, c.Cloud, "admin", "createLoadBalancerRule", "publicipid", ip, "name", "lb", "algorithm", "source", "publicport", "80", "privateport", "80")
	must(f.t, c.Cloud, "admin", "createSSHKeyPair", "name", "key")
}

// storm is one round: each fuzzer goes through its share of the calls, the commands in turn.
func (f *fuzz) storm(seed uint64) {
	var wg sync.WaitGroup
	for worker := range fuzzers {
		wg.Go(func() {
			v := &values{random: rand.New(rand.NewPCG(seed, uint64(worker))), ids: make(map[string]bool), byTable: make(map[string][]string)}
			f.everyID(v)
			for i := range stormCalls / fuzzers {
				f.one(v, f.names[(int(seed)*stormCalls+i*fuzzers+worker)%len(f.names)])
			}
		})
	}
	wg.Wait()
}

// one makes one call and judges its answer.
func (f *fuzz) one(v *values, name string) {
	kinds := commandKinds(f.commands[name])
	form := url.Values{}
	for _, p := range f.table[name].Params {
		switch {
		case p.Required && v.random.IntN(20) > 0, v.random.IntN(6) == 0:
			form.Set(v.spelled(p.Name), v.of(p, kinds))
		}
	}
	v.odd(form)
	bad := invalid(f.table[name], kinds, form, v.known)
	asXML := v.random.IntN(20) == 0
	status, envelope, raw, err := f.send(name, form, asXML)
	wrong := ""
	switch {
	case err != nil:
		wrong = err.Error()
	case (status == 401 || status == 432) && f.locked():
		f.lost.Add(1)
		return
	case status != 200 && (status < 430 || status > 537):
		wrong = "a status that the API does not have"
	case bad != "" && status != 430 && status != 431:
		wrong = "accepted, although " + bad
	case envelope != envelopeOf(name, f.commands[name]):
		wrong = "the answer is called " + envelope
	case bad != "":
		f.refused.Add(1)
	case status == 200:
		f.accepted.Add(1)
		v.learn(raw[:min(len(raw), 2000)])
	}
	if form.Del("apikey"); wrong != "" {
		f.t.Errorf("%s: %s: %d %.300s\n\t%.900q", name, wrong, status, raw, form)
	}
}

// send signs a call, passes it to the front end and reads the answer.
func (f *fuzz) send(name string, form url.Values, asXML bool) (status int, envelope, raw string, err error) {
	form.Set("command", name)
	form.Set("apikey", f.root.User.APIKey)
	if form.Del("response"); !asXML {
		form.Set("response", "json")
	}
	r := httptest.NewRequest("POST", "/client/api", strings.NewReader(signQuery(form, f.root.User.SecretKey)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	f.serveAPI(w, r)
	raw = w.Body.String()
	if asXML {
		envelope, err = xmlEnvelope(raw)
		return w.Code, envelope, raw, err
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(w.Body.Bytes(), &top); err != nil || len(top) != 1 {
		return w.Code, "", raw, errors.New("the answer is not an object with one key")
	}
	return w.Code, sortedKeys(top)[0], raw, nil
}

// xmlEnvelope reads a whole document and returns the name of its outermost element.
func xmlEnvelope(raw string) (string, error) {
	d, name := xml.NewDecoder(strings.NewReader(raw)), ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		if start, ok := token.(xml.StartElement); ok && name == "" {
			name = start.Name.Local
		}
	}
}

// locked reports whether an earlier call has taken the administrator's rights away, and gives them back.
func (f *fuzz) locked() bool {
	now, ok := f.callerOf(f.root.User.APIKey)
	if ok && now.Account.RoleID == f.root.Account.RoleID && now.Account.Type == f.root.Account.Type {
		return f.lost.Load() > 0 // another fuzzer has just given them back
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store.Accounts.Put(f.root.Account)
	f.store.Users.Put(f.root.User)
	if _, err := f.store.commit(); err != nil {
		f.t.Error(err)
	}
	return true
}

// everyID takes up the ids of everything there is.
func (f *fuzz) everyID(v *values) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, table := range f.store.all {
		if n := table.tableName(); n == "event" || n == "setting" || n == "audit" {
			continue
		}
		err := table.dump(func(id string, _ any) error {
			v.take(id)
			v.byTable[table.tableName()] = append(v.byTable[table.tableName()], id)
			return nil
		})
		if err != nil {
			f.t.Error(err)
		}
	}
}

// reset makes the cloud what it was in the beginning and measures what is left in memory.
func (f *fuzz) reset() footprint {
	f.t.Helper()
	if err := f.Reset(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	runtime.ReadMemStats(&stats)
	now := footprint{goroutines: runtime.NumGoroutine(), heap: stats.HeapAlloc}
	f.furnish()
	return now
}
