package cloudsim

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"sync/atomic"
	"testing"
	"time"
)

// recording is a run of exchanges that is replayed against a cloud of its own.
type recording struct {
	name, folder string
	from, to     int
	known        map[string]string // number → why the answer differs
}

var recordings = []recording{
	{"the first recording", "recorded", 1, 799, knownFirst},
	{"networks", "recorded-more", 801, 950, knownNetworks},
	{"identity and machines", "recorded-more", 1001, 1190, knownMachines},
}

// leastAgreement is the share of recorded exchanges that must agree, in percent.
const leastAgreement = 98

// TestReplay holds the cloud to what a real server answered, and says how much of it agrees.
func TestReplay(t *testing.T) {
	t.Parallel()
	var agreed, total atomic.Int64
	t.Run("recordings", func(t *testing.T) {
		for _, r := range recordings {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				a, n := replayRecording(t, r)
				agreed.Add(int64(a))
				total.Add(int64(n))
				t.Logf("%s: %d of %d exchanges agree (%.1f %%)", r.name, a, n, percent(int64(a), int64(n)))
			})
		}
	})
	share := percent(agreed.Load(), total.Load())
	t.Logf("together: %d of %d exchanges agree (%.1f %%)", agreed.Load(), total.Load(), share)
	if share < leastAgreement {
		t.Errorf("%.1f %% of the exchanges agree, want %d %%", share, leastAgreement)
	}
}

func percent(part, whole int64) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// replayRecording replays a recording and counts the exchanges that agree. An exchange that does not must be on the list of
// known differences, and one on that list must not agree.
func replayRecording(t *testing.T, rec recording) (agreed, total int) {
	t.Helper()
	r := startReplay(t)
	exchanges := loadRecording(t, rec.folder, rec.from, rec.to)
	for _, e := range exchanges {
		r.prepare(t, e)
		found := r.replay(t, e)
		r.afterwards(t, e)
		reason, known := rec.known[e.number()]
		switch {
		case len(found) == 0 && known:
			t.Errorf("%s agrees now: take it off the list (%s)", e.Name, reason)
		case len(found) == 0:
			agreed++
		case !known:
			for _, d := range found {
				t.Errorf("%s: %s", e.Name, d)
			}
		}
	}
	return agreed, len(exchanges)
}

// replayer sends recorded requests in order and compares the answers.
type replayer struct {
	ids
	cloud *Cloud
	clock *ManualClock
	as    map[string]string // caller of the recording → account here
	jar   *http.Client      // the session's cookies
	key   string            // and its key
}

func startReplay(t *testing.T) *replayer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := NewManualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	r := &replayer{ids: make(ids), clock: clock, as: map[string]string{"root": "admin", "": "admin"}, jar: &http.Client{Jar: jar},
		cloud: startCloud(t, Options{Flavor: FlavorCloudStack, Zone: "Sandbox-simulator", Clock: clock, Integration: "127.0.0.1:0", PublicRange: "192.168.2.0/24"})}
	r.shapeCloud(t)
	return r
}

// replay sends one exchange and lists how the answer differs.
func (r *replayer) replay(t *testing.T, e exchange) []string {
	t.Helper()
	if len(e.History) > 0 {
		return r.watch(t, e)
	}
	if param := r.missing(e); param != "" {
		return []string{fmt.Sprintf("nothing here stands for its %s", param)}
	}
	got := r.send(t, e)
	envelope, body := e.answers(t)
	var found []string
	if got.envelope != envelope {
		found = append(found, fmt.Sprintf("envelope: want %s, got %s", envelope, got.envelope))
	}
	if got.status != e.Status {
		return append(found, fmt.Sprintf("status: want %d, got %d %s", e.Status, got.status, got.raw))
	}
	r.learn(body, got.body)
	found = append(found, r.differences("", body, got.body)...)
	if e.Job != nil && got.status == http.StatusOK {
		job := r.end(t, got.str("jobid"))
		want := e.Job["queryasyncjobresultresponse"]
		r.learn(want, job.body)
		found = append(found, r.differences("job", want, job.body)...)
	}
	return found
}

// end waits for a job's end and returns its last answer. Time passes meanwhile.
func (r *replayer) end(t *testing.T, job string) (last result) {
	t.Helper()
	settled(t, "the end of job "+job, func() bool {
		last = must(t, r.cloud, "admin", "queryAsyncJobResult", "jobid", job)
		if last.body["jobstatus"] != float64(JobPending) {
			return true
		}
		r.clock.Advance(50 * time.Millisecond)
		return false
	})
	return last
}

// missing is the parameter that names something nothing here stands for; "" if there is none.
func (r *replayer) missing(e exchange) string {
	params := e.params()
	for _, k := range sortedKeys(params) {
		for _, id := range uuidInside.FindAllString(params[k], -1) {
			if _, ok := r.ids[id]; !ok && id != noUUID {
				return k
			}
		}
	}
	return ""
}
