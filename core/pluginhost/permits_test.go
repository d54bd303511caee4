package pluginhost

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/moldctl/moldctl/sdk/wire"
)

// acks records which requests were granted.
type acks struct {
	mu  sync.Mutex
	got []uint64
}

func (a *acks) Send(up *wire.ApplyUp) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, up.GetAck().GetSeq())
	return nil
}

func (a *acks) granted() []uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.got)
}

func ask(seq uint64, keys ...string) *wire.ApplyDown {
	return &wire.ApplyDown{Message: &wire.ApplyDown_Permit{Permit: &wire.Permit{Seq: seq, Keys: keys}}}
}

func release(permit uint64) *wire.ApplyDown {
	return &wire.ApplyDown{Message: &wire.ApplyDown_Release{Release: &wire.Release{Permit: permit}}}
}

func TestPermits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &Host{}
		ctx, cancel := context.WithCancelCause(t.Context())
		open := func(cloud string) (*conversation, *acks) {
			a := &acks{}
			return &conversation{host: h, cloud: cloud, stream: a, held: map[uint64][]string{}, calls: map[string]*wire.Call{}, cancel: cancel}, a
		}
		first, a := open("")
		second, b := open("")
		other, c := open("other")
		first.permits(ctx, ask(1, "x", "y"))
		synctest.Wait()
		second.permits(ctx, ask(7, "y"))
		second.permits(ctx, ask(8, "z"))
		other.permits(ctx, ask(9, "y"))
		synctest.Wait()
		if got := b.granted(); !slices.Equal(got, []uint64{8}) {
			t.Errorf("a key was granted twice, or a free one was not: %v", got)
		}
		if got := c.granted(); !slices.Equal(got, []uint64{9}) {
			t.Errorf("keys of two clouds are in each other's way: %v", got)
		}
		first.permits(ctx, release(1))
		synctest.Wait()
		if got := b.granted(); !slices.Equal(got, []uint64{8, 7}) {
			t.Errorf("a released key was not granted: %v", got)
		}
		second.cancel = func(error) {}
		second.end() // an operation that ends without a release
		first.permits(ctx, ask(2, "y"))
		synctest.Wait()
		if got := a.granted(); !slices.Equal(got, []uint64{1, 2}) {
			t.Errorf("the end of an operation does not free its keys: %v", got)
		}
		first.end()
		other.end()
	})
}

// TestSpoiltPermits expects nobody to get a key while it is not known what was
// made under it, and everything else to go on.
func TestSpoiltPermits(t *testing.T) {
	t.Parallel()
	serial := &wire.Call{Key: "create", Command: "createVolume", Identity: []byte(`{"kind":"serial"}`)}
	named := &wire.Call{Key: "create", Command: "createVolume", Identity: []byte(`{"kind":"serial"}`), Id: "v1"}
	natural := &wire.Call{Key: "create", Command: "createAffinityGroup", Identity: []byte(`{"kind":"natural"}`)}
	tests := map[string]struct {
		call   *wire.Call
		spoilt bool
	}{
		"unknown":     {serial, true},
		"named":       {named, false},
		"found again": {natural, false},
		"no call":     {nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &Host{}
				open := func() (*conversation, *acks, context.Context) {
					a := &acks{}
					ctx, cancel := context.WithCancelCause(t.Context())
					return &conversation{host: h, stream: a, held: map[uint64][]string{}, calls: map[string]*wire.Call{}, cancel: cancel}, a, ctx
				}
				first, _, ctx := open()
				second, got, waiting := open()
				first.permits(ctx, ask(1, "volumes"))
				synctest.Wait()
				second.permits(waiting, ask(2, "volumes"))
				if tt.call != nil {
					first.note(&wire.ApplyDown{Message: &wire.ApplyDown_Intent{Intent: &wire.Intent{Call: tt.call}}})
				}
				first.end()
				synctest.Wait()
				var spoilt *SpoiltError
				if is := errors.As(context.Cause(waiting), &spoilt); is != tt.spoilt {
					t.Errorf("refused: %t (%v), want %t", is, context.Cause(waiting), tt.spoilt)
				}
				if granted := len(got.granted()) == 1; granted == tt.spoilt {
					t.Errorf("granted: %t", granted)
				}
				second.end()
			})
		})
	}
}
