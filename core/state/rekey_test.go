package state_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/state"
)

// identity makes a key pair and returns its file and its public key.
func identity(t *testing.T, dir, name string) (file, public string) {
	t.Helper()
	file = filepath.Join(dir, "config", name)
	public, err := state.MakeIdentity(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, public
}

// fill puts one of everything into a state.
func fill(t *testing.T, s *state.Store) *state.Snapshot {
	t.Helper()
	put(t, s,
		state.Put{Key: state.Key{Addr: "instance.a"}, Object: whole("instance.a")},
		state.Put{Key: state.Key{Addr: "gone.a"}, Object: whole("gone.a")},
		state.Put{Key: state.Key{Addr: "gone.a"}},
		state.Begin{Operation: state.Operation{ID: "op", Key: state.Key{Addr: "image.web"}, Planned: []byte(`"` + secret + `"`), Object: whole("image.web")}},
		state.PutCall{Operation: "op", Call: state.Call{Key: "deploy", State: state.CallOpen, Private: []byte(secret)}},
		state.Bind{Binding: state.Binding{Alias: "", Endpoint: "cloud", ZoneID: "z"}},
		state.SetOutputs{Outputs: []state.Output{
			{Name: "url", Value: []byte(`"http://x/"`), Type: []byte(`"string"`)},
			{Name: "password", Value: []byte(`"` + secret + `"`), Type: []byte(`"string"`), Sensitive: true},
		}})
	return snapshot(t, s)
}

func TestRekey(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		// change says with what to seal, and how to open afterwards.
		change func(t *testing.T, dir string) (state.KeyChange, func(*state.Options))
		want   string // what one without the new key is told
	}{
		"another data key": {"the local key stays", func(*testing.T, string) (state.KeyChange, func(*state.Options)) {
			return state.KeyChange{}, func(*state.Options) {}
		}, ""},
		"another local key": {"the old key file opens it no more", func(_ *testing.T, dir string) (state.KeyChange, func(*state.Options)) {
			key := state.KeyFile{Path: filepath.Join(dir, "config", "other.key")}
			return state.KeyChange{Keys: key}, func(o *state.Options) { o.Keys = key }
		}, "name the right key file"},
		"recipients": {"each of them opens it", func(t *testing.T, dir string) (state.KeyChange, func(*state.Options)) {
			_, first := identity(t, dir, "first.txt")
			file, second := identity(t, dir, "second.txt")
			return state.KeyChange{Recipients: []string{first, second}}, func(o *state.Options) { o.IdentityFile = file }
		}, "no private key in"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			stranger, _ := identity(t, dir, "stranger.txt")
			s := openState(t, dir)
			want := fill(t, s)
			change, with := test.change(t, dir)
			if err := s.Rekey(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			if err := s.Append(t.Context(), state.Put{Key: state.Key{Addr: "late"}, Object: whole("late")}); err == nil {
				t.Error("an append with the old key was accepted")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again := openState(t, dir, with)
			if diff := cmp.Diff(want, snapshot(t, again)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
			if _, err := again.Restore(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "interrupted run") {
				t.Errorf("Restore = %v, want a refusal while an operation is open", err)
			}
			if test.want == "" {
				return
			}
			_, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir, readOnly, func(o *state.Options) { o.IdentityFile = stranger }))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("opened with the wrong key: %v, want %q", err, test.want)
			}
		})
	}
}

// TestRekeyLeavesNothingOfTheOldKey looks for texts that were sealed with the
// old key: whoever has it must not find them in the file any more.
func TestRekeyLeavesNothingOfTheOldKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir)
	fill(t, s)
	before, err := s.Pull(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.SealedTexts(t.Context())
	if err != nil || len(sealed) < 7 {
		t.Fatalf("%d sealed texts, %v", len(sealed), err)
	}
	if err := s.Rekey(t.Context(), state.KeyChange{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(statePath(dir) + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range append(sealed, before.Key.Wrapped) {
			// Long texts are spread over pages: their beginning tells.
			if bytes.Contains(text, old[:min(len(old), 40)]) {
				t.Errorf("%s still holds a text of the old key", file)
			}
		}
	}
}

func TestRecipientsThatAreNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir, func(o *state.Options) { o.Recipients = []string{"age1nonsense"} }))
	if err == nil || !strings.Contains(err.Error(), "is not an age public key") {
		t.Errorf("OpenSQLite = %v, want a refusal", err)
	}
	s := openState(t, dir)
	if err := s.Rekey(t.Context(), state.KeyChange{Recipients: []string{"ssh-rsa AAAA"}}); err == nil {
		t.Error("an ssh key was taken as age public key")
	}
	put(t, s, state.Put{Key: state.Key{Addr: "a"}, Object: whole("a")}) // a refused rekey changes nothing
	file, _ := identity(t, dir, "mine.txt")
	if _, err := state.MakeIdentity(file); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("MakeIdentity over another = %v, want a refusal", err)
	}
}
