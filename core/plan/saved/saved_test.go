package saved_test

import (
	"bytes"
	"crypto/cipher"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan/saved"
)

// sealer is a key that needs no state.
type sealer struct{ aead cipher.AEAD }

func newSealer(t testing.TB, key byte) sealer {
	t.Helper()
	aead, err := chacha20poly1305.NewX(bytes.Repeat([]byte{key}, chacha20poly1305.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return sealer{aead}
}

func (s sealer) Seal(use string, plain []byte) ([]byte, error) {
	return s.aead.Seal(nil, make([]byte, s.aead.NonceSize()), plain, []byte(use)), nil
}

func (s sealer) Unseal(use string, sealed []byte) ([]byte, error) {
	return s.aead.Open(nil, make([]byte, s.aead.NonceSize()), sealed, []byte(use))
}

func content() *saved.Content {
	return &saved.Content{
		Version: "1.0.0", Path: ".", Sources: map[string]string{"spec.hcl": "# top-secret"},
		Steps: []saved.Step{{Address: "network.web", Action: "create", Planned: map[string]string{"name": "abc"}}},
	}
}

func packed(t testing.TB) []byte {
	t.Helper()
	data, err := saved.Pack(saved.Header{Dir: "/stacks/web", Lineage: "L", File: "state.db"}, content(), newSealer(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPack(t *testing.T) {
	t.Parallel()
	data := packed(t)
	if bytes.Contains(data, []byte("top-secret")) || bytes.Contains(data, []byte("network.web")) {
		t.Error("the content can be read")
	}
	p, err := saved.Unpack(data)
	if err != nil {
		t.Fatal(err)
	}
	if p.Header.Dir != "/stacks/web" || p.Header.Lineage != "L" {
		t.Errorf("header: %+v", p.Header)
	}
	got, err := p.Open(newSealer(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(content(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := p.Open(newSealer(t, 2)); err == nil {
		t.Error("another key opens it")
	}
}

// TestDamaged checks that every way to damage a file is noticed, and that what
// stands openly in it cannot be exchanged.
func TestDamaged(t *testing.T) {
	t.Parallel()
	data := packed(t)
	for n := range data {
		if p, err := saved.Unpack(data[:n]); err == nil {
			if _, err = p.Open(newSealer(t, 1)); err == nil {
				t.Fatalf("cut off after %d bytes it still opens", n)
			}
		}
		flipped := bytes.Clone(data)
		flipped[n] ^= 1
		if p, err := saved.Unpack(flipped); err == nil {
			if _, err = p.Open(newSealer(t, 1)); err == nil {
				t.Fatalf("with byte %d changed it still opens", n)
			}
		}
	}
	tests := map[string]struct{ data, want string }{
		"empty":           {"", "no plan of moldctl"},
		"a stack":         {"resource \"network\" \"web\" {\n}\n", "no plan of moldctl"},
		"a later format":  {"moldctl-plan 2\n{}\nx", "format 2, and this moldctl understands format 1"},
		"a huge number":   {"moldctl-plan 99999999999999999999\n{}\n", "no plan of moldctl, or it was damaged"},
		"no header":       {"moldctl-plan 1\n", "ends too soon"},
		"a broken header": {"moldctl-plan 1\n{\nxx", "first lines cannot be read"},
		"a long header":   {"moldctl-plan 1\n" + strings.Repeat("x", 1<<20) + "\nxx", "ends too soon"},
	}
	for name, tc := range tests {
		if _, err := saved.Unpack([]byte(tc.data)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON": "{", "no stack": "{}", "no sources": `{"path":"."}`,
		"a step without an action": `{"path":".","sources":{"a":"b"},"steps":[{"address":"a.b"}]}`,
	} {
		if _, err := saved.Decode([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	values := map[string]cty.Value{
		"text": cty.StringVal("x"), "secret": cty.StringVal("s").Mark(eval.Sensitive), "none": cty.NullVal(cty.String),
		"list":  cty.ListVal([]cty.Value{cty.StringVal("a")}),
		"parts": cty.ObjectVal(map[string]cty.Value{"open": cty.True, "shut": cty.NumberIntVal(3).Mark(eval.Sensitive)}),
		"mixed": cty.TupleVal([]cty.Value{cty.StringVal("a"), cty.NumberIntVal(1), cty.EmptyObjectVal}),
	}
	list, err := saved.NewVariables(values)
	if err != nil {
		t.Fatal(err)
	}
	got, err := saved.Values(list)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range values {
		if !got[name].RawEquals(want) {
			t.Errorf("%s = %#v, want %#v", name, got[name], want)
		}
	}
}

// FuzzUnpack checks that no file brings the reader down, and that none opens
// but the one that was sealed.
func FuzzUnpack(f *testing.F) {
	data := packed(f)
	f.Add(data)
	f.Add(data[:len(data)-3])
	f.Add([]byte("moldctl-plan 1\n{}\n"))
	f.Add([]byte("moldctl-plan 2\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := saved.Unpack(in)
		if err != nil {
			return
		}
		if _, err := p.Open(newSealer(t, 1)); err == nil && !bytes.Equal(in, data) {
			t.Errorf("another file opens: %q", in)
		}
	})
}

// FuzzDecode checks that no content brings the reader down, were its seal ever
// broken.
func FuzzDecode(f *testing.F) {
	text, err := content().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"path":".","sources":{"a":""},"variables":{"x":{"type":["object",{"a":"string"}],"value":{"a":1},"sensitive":["a",""]}}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := saved.Decode(in)
		if err != nil {
			return
		}
		if _, err := saved.Values(c.Variables); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
	})
}
