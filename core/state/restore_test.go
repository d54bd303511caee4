package state_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/state"
)

// run appends in a session of its own, so that it has a serial of its own.
func run(t *testing.T, dir string, entries ...state.Entry) {
	t.Helper()
	s := openState(t, dir)
	put(t, s, entries...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// named is an object with an id of its own.
func named(addr, id string) *state.Object {
	o := whole(addr)
	o.ID = id
	return o
}

func TestRestore(t *testing.T) {
	t.Parallel()
	a, b := state.Key{Addr: "network.a"}, state.Key{Addr: "network.b"}
	tests := map[string]struct {
		reason string
		runs   [][]state.Entry // serials 1, 2, …
		serial int64
		want   map[string]string // address → id
		fails  string
	}{
		"a move": {"a renamed object is no later one", [][]state.Entry{
			{state.Put{Key: a, Object: named("network.a", "1")}}, {state.Move{From: a, To: b}},
		}, 1, map[string]string{"network.a": "1"}, ""},
		"a taint": {"the object is the same", [][]state.Entry{
			{state.Put{Key: a, Object: named("network.a", "1")}},
			{state.Put{Key: a, Object: &state.Object{Key: a, Type: "instance", ID: "1", Status: state.Tainted}}},
		}, 1, map[string]string{"network.a": "1"}, ""},
		"a removal": {"what was forgotten comes back", [][]state.Entry{
			{state.Put{Key: a, Object: named("network.a", "1")}, state.Put{Key: b, Object: named("network.b", "2")}}, {state.Put{Key: a}},
		}, 1, map[string]string{"network.a": "1", "network.b": "2"}, ""},
		"a change": {"the first change of several is taken back too", [][]state.Entry{
			{state.Put{Key: a, Object: &state.Object{Key: a, Type: "instance", ID: "1", Status: state.OK}}},
			{state.Put{Key: a, Object: &state.Object{Key: a, Type: "instance", ID: "1", Status: state.Tainted}}},
			{state.Put{Key: a}},
		}, 1, map[string]string{"network.a": "1"}, ""},
		"a later object": {"the state would forget it", [][]state.Entry{
			{state.Put{Key: a, Object: named("network.a", "1")}}, {state.Put{Key: b, Object: named("network.b", "2")}},
		}, 1, nil, "network.b (instance 2)"},
		"a replaced object": {"its successor would be forgotten", [][]state.Entry{
			{state.Put{Key: a, Object: named("network.a", "1")}}, {state.Put{Key: a, Object: named("network.a", "9")}},
		}, 1, nil, "network.a (instance 9)"},
		"a later object that is gone": {"nothing is forgotten", [][]state.Entry{
			{state.Put{Key: a, Object: named("network.a", "1")}}, {state.Put{Key: b, Object: named("network.b", "2")}}, {state.Put{Key: b}},
		}, 1, map[string]string{"network.a": "1"}, ""},
		"the present": {"there is nothing to do", [][]state.Entry{{state.Put{Key: a, Object: named("network.a", "1")}}}, 1, nil, "is at this serial"},
		"the future":  {"there is none", [][]state.Entry{{state.Put{Key: a, Object: named("network.a", "1")}}}, 7, nil, "the state is at serial 1"},
		"nothing":     {"serial 0 is before the first run", [][]state.Entry{{state.Put{Key: a, Object: named("network.a", "1")}}, {state.Put{Key: a}}}, 0, map[string]string{}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, entries := range test.runs {
				run(t, dir, entries...)
			}
			s := openState(t, dir)
			before := snapshot(t, s)
			done, err := s.Restore(t.Context(), test.serial)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("Restore = %v, want %q: %s", err, test.fails, test.reason)
				}
				if diff := cmp.Diff(before, snapshot(t, s)); diff != "" {
					t.Errorf("a refused restore changed something (-before +after):\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for key, o := range snapshot(t, s).Objects {
				got[key.Addr] = o.ID
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if len(done.Changed) == 0 || len(done.Back) > 0 && name != "a move" {
				return // what came back may be alive, so this restore is not to be taken back
			}
			again := openState(t, dir)
			if _, err := again.Restore(t.Context(), int64(len(test.runs))); err != nil {
				t.Errorf("a restore cannot be taken back: %v", err)
			}
			if diff := cmp.Diff(before.Objects, snapshot(t, again).Objects); diff != "" {
				t.Errorf("taken back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRestoreBeyondTheHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := state.Key{Addr: "a"}
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		s := openState(t, dir, func(o *state.Options) { o.Keep = 2 })
		put(t, s, state.Put{Key: key, Object: named("a", id)}, state.Put{Key: key})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openState(t, dir)
	if _, err := s.Restore(t.Context(), 2); err == nil || !strings.Contains(err.Error(), "reaches back to serial 3 only") {
		t.Errorf("Restore(2) = %v, want a refusal", err)
	}
	if _, err := s.Restore(t.Context(), 3); err != nil {
		t.Errorf("Restore(3) = %v", err)
	}
}
