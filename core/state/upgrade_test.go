package state_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/state"
)

// released lays out a state that an earlier format wrote, and its key.
func released(t *testing.T, format string) string {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{"state.db": statePath(dir), "local.key": options(dir).Keys.(state.KeyFile).Path} {
		text, err := os.ReadFile(filepath.Join("testdata", format, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestStatesOfEarlierFormatsAreUnderstood reads and upgrades what earlier
// versions wrote. A format that was released keeps its fixture for ever.
func TestStatesOfEarlierFormatsAreUnderstood(t *testing.T) {
	t.Parallel()
	moved := whole("instance.b")
	moved.Deposed = "1"
	want := &state.Snapshot{
		Lineage: "ZK4IKL247CHIBZ2VQE3NMGKQYX", Serial: 2, Stack: "web",
		Objects: map[state.Key]*state.Object{{Addr: "instance.a"}: whole("instance.a"), {Addr: "instance.b", Deposed: "1"}: moved},
		Operations: map[string]*state.Operation{"op2": {
			ID: "op2", Key: state.Key{Addr: "image.web"}, Action: "create", Type: "image", Started: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC),
			Planned: []byte(`{"name":"` + secret + `"}`), Object: whole("image.web"), Calls: []state.Call{{Key: "deploy", State: state.CallDone, ID: "9"}},
		}},
		Bindings: map[string]state.Binding{"": {Endpoint: "cloud", ZoneID: "z", DomainID: "d", AccountID: "a", ProjectID: "p"}},
		Outputs: map[string]state.Output{
			"url":      {Name: "url", Value: []byte(`"http://x/"`), Type: []byte(`"string"`)},
			"password": {Name: "password", Value: []byte(`"` + secret + `"`), Type: []byte(`"string"`), Sensitive: true},
		},
	}
	for _, format := range []string{"format1"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir := released(t, format)
			reader := openState(t, dir, readOnly)
			if diff := cmp.Diff(want, snapshot(t, reader)); diff != "" {
				t.Errorf("as it is (-want +got):\n%s", diff)
			}
			s := openState(t, dir)
			if diff := cmp.Diff(want, snapshot(t, s)); diff != "" {
				t.Errorf("upgraded (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, snapshot(t, reader)); diff != "" {
				t.Errorf("read by one who opened it before (-want +got):\n%s", diff)
			}
			put(t, s, state.Put{Key: state.Key{Addr: "instance.c"}, Object: whole("instance.c")})
			history, err := s.History(t.Context())
			if err != nil || len(history) != 3 {
				t.Errorf("history %v, %v; want 3 serials", history, err)
			}
		})
	}
}
