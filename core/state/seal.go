package state

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

const keySize = chacha20poly1305.KeySize

// LocalKey is the key of this user that wraps the data keys of states.
type LocalKey [keySize]byte

// id names the key without telling anything about it.
func (k LocalKey) id() string {
	sum := sha256.Sum256(append([]byte("moldctl local key\x00"), k[:]...))
	return hex.EncodeToString(sum[:8])
}

// Keys is where local keys come from.
type Keys interface {
	// Load returns the key with the id, or an error that tells the user where
	// it was looked for.
	Load(id string) (LocalKey, error)
	// Create returns the key for new states, making it if there is none.
	Create() (LocalKey, error)
}

// sealer encrypts what must not be readable in the file. The text is bound to
// the state, the object and the field it belongs to, so that it cannot be
// moved elsewhere.
type sealer struct {
	aead    cipher.AEAD
	prints  []byte // key of fingerprints
	lineage string
}

// newSealer seals with the data key of a state.
func newSealer(dataKey []byte, lineage string) (*sealer, error) {
	aead, err := chacha20poly1305.NewX(dataKey)
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, prints: printsKey(dataKey), lineage: lineage}, nil
}

// wrapLocal encrypts a data key under the user's local key.
func wrapLocal(local LocalKey, dataKey []byte, lineage string) ([]byte, error) {
	outer, err := chacha20poly1305.NewX(local[:])
	if err != nil {
		return nil, err
	}
	return seal(outer, dataKey, lineage, "data key")
}

// unwrapLocal is the inverse of wrapLocal.
func unwrapLocal(local LocalKey, wrapped []byte, lineage string) ([]byte, error) {
	outer, err := chacha20poly1305.NewX(local[:])
	if err != nil {
		return nil, err
	}
	dataKey, err := open(outer, wrapped, lineage, "data key")
	if err != nil {
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	return dataKey, nil
}

// object seals a field of an object's row; nil stays nil.
func (s *sealer) object(plain []byte, key Key, field string) ([]byte, error) {
	if plain == nil {
		return nil, nil
	}
	return seal(s.aead, plain, s.lineage, "object", key.Addr, key.Deposed, field)
}

// openObject is the inverse of object.
func (s *sealer) openObject(sealed []byte, key Key, field string) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := open(s.aead, sealed, s.lineage, "object", key.Addr, key.Deposed, field)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", field, key.Addr, err)
	}
	return plain, nil
}

// named seals something of the state that is not part of an object.
func (s *sealer) named(plain []byte, kind, name string) ([]byte, error) {
	return seal(s.aead, plain, s.lineage, kind, name)
}

// openNamed is the inverse of named.
func (s *sealer) openNamed(sealed []byte, kind, name string) ([]byte, error) {
	plain, err := open(s.aead, sealed, s.lineage, kind, name)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, name, err)
	}
	return plain, nil
}

func seal(aead cipher.AEAD, plain []byte, bound ...string) ([]byte, error) {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return aead.Seal(nonce, nonce, plain, associated(bound)), nil
}

func open(aead cipher.AEAD, sealed []byte, bound ...string) ([]byte, error) {
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("the encrypted text is cut off")
	}
	nonce, text := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, text, associated(bound))
	if err != nil {
		return nil, errors.New("the encrypted text was changed, or belongs elsewhere")
	}
	if plain == nil {
		plain = []byte{} // an empty text is not an absent one
	}
	return plain, nil
}

// associated joins the parts with a byte that none of them holds.
func associated(parts []string) []byte { return []byte(strings.Join(parts, "\x00")) }
