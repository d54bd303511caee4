package state

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
)

// ErrNoState is returned where a state is needed that has not been made yet.
var ErrNoState = errors.New("there is no state yet")

// Exists tells whether the state has been made: one that is opened for reading
// need not have been.
func (s *Store) Exists() bool { return s.seal != nil }

// Lineage tells states apart, for ever; "" if there is none yet.
func (s *Store) Lineage() string { return s.meta.lineage }

// Seal encrypts something that belongs to this state and lies outside it. It
// opens only with the state's key, and only for the same use.
func (s *Store) Seal(use string, plain []byte) ([]byte, error) {
	if s.seal == nil {
		return nil, ErrNoState
	}
	return s.seal.named(plain, "outside", use)
}

// Unseal is the inverse of Seal.
func (s *Store) Unseal(use string, sealed []byte) ([]byte, error) {
	if s.seal == nil {
		return nil, ErrNoState
	}
	return open(s.seal.aead, sealed, s.seal.lineage, "outside", use)
}

// Fingerprint is a digest of something secret that only holders of the state's
// key can make, so that it tells whether two secrets are one and nothing else.
func (s *Store) Fingerprint(use string, secret []byte) ([]byte, error) {
	if s.seal == nil {
		return nil, ErrNoState
	}
	return s.seal.fingerprint(use, secret), nil
}

func (s *sealer) fingerprint(use string, secret []byte) []byte {
	mac := hmac.New(sha256.New, s.prints)
	for _, part := range []string{s.lineage, use} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	mac.Write(secret)
	return mac.Sum(nil)
}

// printsKey derives the key of fingerprints from a data key: one key, one use.
func printsKey(dataKey []byte) []byte {
	mac := hmac.New(sha256.New, dataKey)
	mac.Write([]byte("moldctl fingerprints"))
	return mac.Sum(nil)
}
