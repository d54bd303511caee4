package plan

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Fingerprint digests a secret under the state's key, for one use.
type Fingerprint func(use string, secret []byte) ([]byte, error)

// withoutWriteOnly takes the values away that are only to be written.
func withoutWriteOnly(t *pluginspec.Type, v cty.Value) cty.Value {
	if v.IsNull() || !v.IsKnown() {
		return v
	}
	walkSingles(t.Attributes, t.Blocks, "", func(path string, a *pluginspec.Attribute) {
		if a.WriteOnly && !at(v, path).IsNull() {
			v = with(v, path, cty.NullVal(a.Type))
		}
	})
	return v
}

// Prints are the fingerprints of an object's values that are only to be
// written, by path. They are kept in the place of the values.
func Prints(t *pluginspec.Type, v cty.Value, f Fingerprint) (map[string]string, error) {
	if f == nil || v.IsNull() {
		return nil, nil
	}
	var out map[string]string
	var failed error
	walkSingles(t.Attributes, t.Blocks, "", func(path string, a *pluginspec.Attribute) {
		secret, _ := at(v, path).UnmarkDeep()
		if !a.WriteOnly || secret.IsNull() || !secret.IsWhollyKnown() || failed != nil {
			return
		}
		text, err := print(secret, rand.Text(), f)
		if err != nil {
			failed = fmt.Errorf("fingerprint %s: %w", path, err)
			return
		}
		if out == nil {
			out = map[string]string{}
		}
		out[path] = text
	})
	return out, failed
}

// print is a fingerprint with its salt: equal secrets have different ones.
func print(secret cty.Value, salt string, f Fingerprint) (string, error) {
	data, err := ctyjson.Marshal(secret, secret.Type())
	if err != nil {
		return "", err
	}
	sum, err := f("write-only "+salt, data)
	return salt + ":" + hex.EncodeToString(sum), err
}

// printed tells whether a secret is the one that a fingerprint was made of.
func printed(secret cty.Value, text string, f Fingerprint) (bool, error) {
	salt, _, ok := strings.Cut(text, ":")
	if !ok || f == nil {
		return false, nil
	}
	again, err := print(secret, salt, f)
	if errors.Is(err, state.ErrNoState) {
		return false, nil
	}
	return subtle.ConstantTimeCompare([]byte(again), []byte(text)) == 1, err
}

// reveal puts the values that are only to be written back into what exists
// where the block still says the same ones, so that they do not differ.
func (m *maker) reveal(s *subjectOf, exists, desired cty.Value) cty.Value {
	if exists.IsNull() || s.row == nil {
		return exists
	}
	for path, text := range s.row.Prints {
		v := at(desired, path)
		secret, _ := v.UnmarkDeep()
		if secret.IsNull() || !secret.IsWhollyKnown() || !at(exists, path).IsNull() {
			continue
		}
		// What cannot be compared counts as changed: it is written once more.
		if same, err := printed(secret, text, m.in.Fingerprint); err == nil && same {
			exists = with(exists, path, v)
		}
	}
	return exists
}
