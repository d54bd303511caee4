package lb

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wallClock follows the time package, which synctest makes virtual.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }
func (wallClock) After(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

func TestNextHealth(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason  string
		results string // '+' good check, '-' failed check
		want    string // 'U' up, 'D' down after each
	}{
		"fresh, first failure":    {"a just loaded server falls at the first failure", "-", "D"},
		"fresh, one good":         {"one good check gives one failure of grace", "+--", "UUD"},
		"well, three failures":    {"a well server falls at the third failure", "++---", "UUUUD"},
		"down, two good":          {"a dead server needs two good checks", "-++", "DDU"},
		"down, good bad good":     {"good checks must come in a row", "-+-+", "DDDD"},
		"back up is fully well":   {"a risen server falls at the third failure", "-++---", "DDUUUD"},
		"failures not in a row":   {"a good check between gives grace back", "++--+--", "UUUUUUD"},
		"never better than well":  {"many good checks do not add grace", "++++++---", "UUUUUUUUD"},
		"a good start stays good": {"nothing happens to a good server", "++++", "UUUU"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, got := &server{health: checkRise}, ""
			for _, r := range test.results {
				s.health = nextHealth(s.health, r == '+')
				if s.up() {
					got += "U"
				} else {
					got += "D"
				}
			}
			if got != test.want {
				t.Errorf("%s: checks %s gave %s, want %s", test.reason, test.results, got, test.want)
			}
		})
	}
}

func TestChecksFollowTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dead atomic.Bool
		b, err := New(Rule{
			Public: netip.MustParseAddrPort("127.66.0.5:8080"), Algorithm: "roundrobin",
			Servers: []Server{{ID: "a", Dial: func(ctx context.Context) (net.Conn, error) {
				if dead.Load() {
					return nil, errors.New("refused")
				}
				near, far := net.Pipe()
				_ = far.Close()
				return near, nil
			}}},
		}, wallClock{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		start := time.Now()
		until := func(at time.Duration) bool {
			<-time.After(at - time.Since(start))
			synctest.Wait()
			return b.Stats().Servers[0].Up
		}
		var got []bool
		got = append(got, until(6500*time.Millisecond)) // checks at 1, 3, 5 s: well
		dead.Store(true)
		got = append(got, until(10*time.Second), until(11500*time.Millisecond)) // 7, 9 failed; 11 is the third
		dead.Store(false)
		got = append(got, until(14*time.Second), until(15500*time.Millisecond)) // 13 good, 15 the second
		if diff := cmp.Diff([]bool{true, true, false, false, true}, got); diff != "" {
			t.Errorf("up (-want +got):\n%s", diff)
		}
	})
}

func TestCheckOfABlackHoleTakesOneInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Rule{
			Public: netip.MustParseAddrPort("127.66.0.5:8080"), Algorithm: "roundrobin",
			Servers: []Server{{ID: "a", Dial: func(ctx context.Context) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}},
		}, wallClock{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		<-time.After(2900 * time.Millisecond)
		synctest.Wait()
		if !b.Stats().Servers[0].Up {
			t.Error("down before the check that began after 1 s had its 2 s")
		}
		<-time.After(200 * time.Millisecond)
		synctest.Wait()
		if b.Stats().Servers[0].Up {
			t.Error("still up after an unanswered check")
		}
	})
}
