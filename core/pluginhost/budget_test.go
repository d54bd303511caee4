package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/wire"
)

// crowd is a cloud that counts who asks it at once.
type crowd struct {
	latency time.Duration
	mu      sync.Mutex
	flight  int
	peak    int
	asked   int
	refused int
	// refuse decides what becomes of a request, by how many there are at once
	// and how many there were; nil refuses none.
	refuse func(flight, asked int) (status int, text string)
}

func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.flight++
	c.asked++
	c.peak = max(c.peak, c.flight)
	status, text := http.StatusOK, ""
	if c.refuse != nil {
		if s, t := c.refuse(c.flight, c.asked); s != 0 {
			status, text = s, t
			c.refused++
		}
	}
	c.mu.Unlock()
	body := `{"listzonesresponse":{}}`
	wait := c.latency
	if status != http.StatusOK {
		body, wait = fmt.Sprintf(`{"listzonesresponse":{"errorcode":%d,"errortext":%q}}`, status, text), c.latency/10
	}
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
	}
	c.mu.Lock()
	c.flight--
	c.mu.Unlock()
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}, nil
}

// wired is a process that hears of its share over a slow wire.
type wired struct {
	client *cloudstack.Client
	member *member
}

// process joins a budget.
func (c *crowd) process(t *testing.T, ctx context.Context, b *budget) *wired {
	t.Helper()
	share := cloudstack.NewShare()
	client, err := cloudstack.New(cloudstack.Settings{
		Endpoint: "http://cloud.test/client/api", APIKey: "key", SecretKey: "secret", Signature: cloudstack.SignatureSHA1,
		Share: share, Transport: c,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &wired{client: client, member: b.join()}
	ups, downs := make(chan *wire.ShareUp, 100), make(chan *wire.ShareDown, 100)
	go func() { // of the host
		for {
			select {
			case <-w.member.news:
				ups <- b.next(w.member)
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { // of the process
		var seq uint64
		for {
			select {
			case up := <-ups:
				time.Sleep(time.Millisecond)
				seq = up.GetSeq()
				share.Set(cloudstack.Deal{Most: int(up.GetMost()), All: int(up.GetAll()), Slowed: up.GetSlowed(), Rest: time.Duration(up.GetRestMs()) * time.Millisecond})
			case <-share.Changed():
			case <-ctx.Done():
				return
			}
			u := share.Usage()
			downs <- &wire.ShareDown{Seq: seq, Held: int32(u.Held), Wanted: int32(u.Wanted), Refused: int32(u.Refused), Answered: int32(u.Answered), RestMs: u.Rest.Milliseconds()}
		}
	}()
	go func() { // of the wire
		for {
			select {
			case down := <-downs:
				time.Sleep(time.Millisecond)
				b.heard(w.member, down)
			case <-ctx.Done():
				return
			}
		}
	}()
	w.member.tell()
	return w
}

// ask sends many requests at once, and waits for all.
func (w *wired) ask(t *testing.T, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := w.client.Read(t.Context(), "listZones", nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestSharesAddUp lets several processes ask one cloud, all at once, one after
// the other, and now and then: never are more under way than the limit, nobody
// starves, and one that is alone has all.
func TestSharesAddUp(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 3, 10, 25} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c, b := &crowd{latency: 20 * time.Millisecond}, newBudget(most)
				var all []*wired
				for range 6 {
					all = append(all, c.process(t, ctx, b))
				}
				timed := func(what string, requests int, slack time.Duration, f func()) {
					began := time.Now()
					f()
					least := time.Duration(requests) * c.latency / time.Duration(most)
					if took := time.Since(began); took > least*13/10+slack {
						t.Errorf("%s: %d requests took %s, where %s is possible", what, requests, took, least)
					}
					if c.peak > most {
						t.Errorf("%s: %d at once", what, c.peak)
					}
				}
				together := func(n int) func() {
					return func() {
						var wg sync.WaitGroup
						for _, w := range all {
							wg.Go(func() { w.ask(t, n) })
						}
						wg.Wait()
					}
				}
				warm := 10 * c.latency * time.Duration(most) // until the limit has grown to the most
				timed("all", 600, warm, together(100))
				for i, w := range all {
					timed(fmt.Sprint("alone ", i), 100, 200*time.Millisecond, func() { w.ask(t, 100) })
				}
				timed("now and then", 0, time.Hour, func() {
					r := rand.New(rand.NewPCG(1, uint64(most)))
					var wg sync.WaitGroup
					defer wg.Wait()
					for range 200 {
						w := all[r.IntN(len(all))]
						n := r.IntN(4)
						wg.Go(func() { w.ask(t, n) })
						time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
					}
				})
				timed("all again", 600, 300*time.Millisecond, together(100))
				for _, w := range all[1:] {
					b.leave(w.member)
				}
				timed("the last", 200, 200*time.Millisecond, func() { all[0].ask(t, 200) })
				cancel()
				time.Sleep(time.Second) // what is on the wire arrives
			})
		})
	}
}

// TestAStormSlowsAll refuses all that exceeds what the cloud bears at a time:
// after the first refusals all processes ask less, nothing is lost, and when
// the storm is over the run is as fast as before.
func TestAStormSlowsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		storm := true
		c := &crowd{latency: 20 * time.Millisecond}
		c.refuse = func(flight, _ int) (int, string) {
			if storm && flight > 3 {
				return 503, "busy"
			}
			return 0, ""
		}
		b := newBudget(10)
		var all []*wired
		for range 6 {
			all = append(all, c.process(t, ctx, b))
		}
		together := func(n int) time.Duration {
			began := time.Now()
			var wg sync.WaitGroup
			for _, w := range all {
				wg.Go(func() { w.ask(t, n) })
			}
			wg.Wait()
			return time.Since(began)
		}
		took := together(50)
		if c.refused == 0 || c.refused > 100 {
			t.Errorf("%d of %d requests were refused", c.refused, c.asked)
		}
		t.Logf("storm: %d of %d refused, %s", c.refused, c.asked, took)
		storm = false
		together(50)
		if b.limit != b.most {
			t.Errorf("the limit is %d after the storm, %d before it", b.limit, b.most)
		}
		if took := together(50); took > 800*time.Millisecond {
			t.Errorf("300 requests take %s after the storm, where 600ms are possible", took)
		}
		if c.peak > 10 {
			t.Errorf("%d at once", c.peak)
		}
		cancel()
		time.Sleep(time.Second)
	})
}

// TestARestIsKeptByAll has the cloud refuse whoever comes before a time that
// it tells: all processes leave it alone until then.
func TestARestIsKeptByAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		c := &crowd{latency: 20 * time.Millisecond}
		c.refuse = func(_, asked int) (int, string) {
			// 25 in a second, as the server counts.
			since := time.Since(began)
			if left := time.Second - since%time.Second; asked-c.refused > 25*(int(since/time.Second)+1) {
				return 429, fmt.Sprintf("The given user has reached his/her account api limit, please retry after [%d] ms.", left.Milliseconds())
			}
			return 0, ""
		}
		b := newBudget(10)
		var wg sync.WaitGroup
		for range 6 {
			w := c.process(t, ctx, b)
			wg.Go(func() { w.ask(t, 40) })
		}
		wg.Wait()
		if took := time.Since(began); took > 12*time.Second {
			t.Errorf("240 requests at 25 in a second took %s", took)
		}
		if c.refused > c.asked/3 {
			t.Errorf("%d of %d requests were refused", c.refused, c.asked)
		}
		t.Logf("%d of %d refused in %s", c.refused, c.asked, time.Since(began))
		cancel()
		time.Sleep(time.Second)
	})
}

// TestAFixedPart is for processes that do not hear of shares: they keep a part,
// and the others have the rest.
func TestAFixedPart(t *testing.T) {
	t.Parallel()
	b := newBudget(10)
	fixed, part := b.joinFixed(4)
	if part != 2 {
		t.Errorf("one of four has %d of 10", part)
	}
	m := b.join()
	if m.share != 8 {
		t.Errorf("the other has %d", m.share)
	}
	b.leave(fixed)
	b.heard(m, &wire.ShareDown{Seq: b.next(m).GetSeq(), Held: 8, Wanted: 10})
	if m.share != 10 {
		t.Errorf("it has %d when it is alone", m.share)
	}
}
