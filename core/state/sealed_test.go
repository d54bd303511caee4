package state_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/moldctl/moldctl/core/state"
)

func TestSealOutside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openState(t, dir)
	sealed, err := s.Seal("plan", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the text can be read")
	}
	print, err := s.Fingerprint("a", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openState(t, dir)
	defer again.Close()
	if plain, err := again.Unseal("plan", sealed); err != nil || string(plain) != "secret" {
		t.Errorf("%q, %v", plain, err)
	}
	if _, err := again.Unseal("other", sealed); err == nil {
		t.Error("it opens for another use")
	}
	for name, tc := range map[string]struct {
		use, secret string
		same        bool
	}{"the same": {"a", "secret", true}, "another text": {"a", "secreT", false}, "another use": {"b", "secret", false}, "moved between": {"", "a\x00secret", false}} {
		got, err := again.Fingerprint(tc.use, []byte(tc.secret))
		if err != nil || bytes.Equal(got, print) != tc.same {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	other := openState(t, t.TempDir())
	defer other.Close()
	if _, err := other.Unseal("plan", sealed); err == nil {
		t.Error("another state opens it")
	}
	none, err := state.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "state.db"), state.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer none.Close()
	if _, err := none.Seal("plan", nil); !errors.Is(err, state.ErrNoState) || none.Exists() {
		t.Errorf("without a state: %v", err)
	}
}
