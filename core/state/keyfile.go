package state

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyFileVariable is the environment variable that names another key file.
const KeyFileVariable = "MOLDCTL_KEY_FILE"

// keyFileHead begins a key file, so that a person who finds it knows what it is.
const keyFileHead = "moldctl-key-1 "

// KeyFile is a local key in a file of the user's configuration folder. It lies
// apart from the states, so that a copied state alone tells no secret.
type KeyFile struct{ Path string }

// DefaultKeyFile returns the key file of this user: $MOLDCTL_KEY_FILE, or
// moldctl/keys/local.key in the configuration folder.
func DefaultKeyFile() (KeyFile, error) {
	if path := os.Getenv(KeyFileVariable); path != "" {
		return KeyFile{Path: path}, nil
	}
	dir, err := configDir()
	if err != nil {
		return KeyFile{}, fmt.Errorf("find the key file: %w (or name one in %s)", err, KeyFileVariable)
	}
	return KeyFile{Path: filepath.Join(dir, "moldctl", "keys", "local.key")}, nil
}

// configDir is $XDG_CONFIG_HOME or ~/.config, on every system alike.
func configDir() (string, error) {
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".config"), nil
}

// Load implements Keys.
func (f KeyFile) Load(id string) (LocalKey, error) {
	key, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("its secrets were sealed with key %s, and there is no key file %s; "+
			"copy the key file from where the state was written, or name it in %s", id, f.Path, KeyFileVariable)
	}
	if err != nil {
		return key, err
	}
	if have := key.id(); have != id {
		return LocalKey{}, fmt.Errorf("its secrets were sealed with key %s, and the key file %s holds key %s; "+
			"name the right key file in %s", id, f.Path, have, KeyFileVariable)
	}
	return key, nil
}

// Create implements Keys.
func (f KeyFile) Create() (LocalKey, error) {
	key, err := f.read()
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if _, err := rand.Read(key[:]); err != nil {
		return key, fmt.Errorf("make key file %s: %w", f.Path, err)
	}
	if err := f.write(key); err != nil {
		return LocalKey{}, fmt.Errorf("make key file %s: %w", f.Path, err)
	}
	// Another process may have been faster: whatever lies there now is the key.
	return f.read()
}

func (f KeyFile) read() (LocalKey, error) {
	text, err := readPrivate(f.Path)
	if err != nil {
		return LocalKey{}, fmt.Errorf("read key file: %w", err)
	}
	encoded, ok := strings.CutPrefix(string(bytes.TrimSpace(text)), keyFileHead)
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(raw) != keySize {
		return LocalKey{}, fmt.Errorf("read key file %s: it is not a moldctl key", f.Path)
	}
	return LocalKey(raw), nil
}

func (f KeyFile) write(key LocalKey) error {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return err
	}
	_, err := writeOnce(f.Path, keyFileHead+base64.StdEncoding.EncodeToString(key[:])+"\n")
	return err
}

// writeOnce makes a private file whole or not at all, and never replaces one:
// it tells whether it was the one to make it.
func writeOnce(path, text string) (made bool, err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // made with mode 0600
	if err != nil {
		return false, err
	}
	_, err = temp.WriteString(text)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Link(temp.Name(), path)
		made = err == nil
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	return made, errors.Join(err, os.Remove(temp.Name()))
}
