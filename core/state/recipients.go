package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// IdentityVariable is the environment variable that names another identity file.
const IdentityVariable = "MOLDCTL_IDENTITY_FILE"

// DefaultIdentityFile returns where the private keys of this user lie:
// $MOLDCTL_IDENTITY_FILE, or moldctl/keys/identity.txt in the configuration folder.
func DefaultIdentityFile() (string, error) {
	if path := os.Getenv(IdentityVariable); path != "" {
		return path, nil
	}
	dir, err := configDir()
	if err != nil {
		return "", fmt.Errorf("find the identity file: %w (or name one in %s)", err, IdentityVariable)
	}
	return filepath.Join(dir, "moldctl", "keys", "identity.txt"), nil
}

// wrap seals the data key for the recipients, or with the local key if there
// are none.
func (m *meta) wrap(dataKey []byte, keys Keys) error {
	if len(m.recipients) > 0 {
		wrapped, err := wrapAge(m.recipients, dataKey, m.lineage)
		m.keyID, m.dataKey = "", wrapped
		return err
	}
	local, err := keys.Create()
	if err != nil {
		return err
	}
	m.keyID = local.id()
	m.dataKey, err = wrapLocal(local, dataKey, m.lineage)
	return err
}

// unwrap is the inverse of wrap.
func (m *meta) unwrap(opts Options) ([]byte, error) {
	if len(m.recipients) > 0 {
		return unwrapAge(m, opts.IdentityFile)
	}
	local, err := opts.Keys.Load(m.keyID)
	if err != nil {
		return nil, err
	}
	return unwrapLocal(local, m.dataKey, m.lineage)
}

// ageKey is what age encrypts: the key, and the state it belongs to, so that
// it cannot be given to another one.
type ageKey struct {
	Lineage string `json:"lineage"`
	Key     []byte `json:"key"`
}

// CheckRecipient tells whether a text is an age public key.
func CheckRecipient(text string) error {
	_, err := parseRecipients([]string{text})
	return err
}

func parseRecipients(list []string) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, text := range list {
		found, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(found) != 1 {
			return nil, fmt.Errorf("%q is not an age public key (age1…); make a pair with: moldctl state keygen", text)
		}
		out = append(out, found...)
	}
	return out, nil
}

func wrapAge(list []string, dataKey []byte, lineage string) ([]byte, error) {
	recipients, err := parseRecipients(list)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(ageKey{lineage, dataKey})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func unwrapAge(m *meta, path string) ([]byte, error) {
	path, identities, err := readIdentities(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("its secrets are sealed for %s, and there is no identity file %s; put your private key there, or name another file in %s",
			strings.Join(m.recipients, ", "), path, IdentityVariable)
	}
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(m.dataKey), identities...)
	if err != nil {
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return nil, fmt.Errorf("its secrets are sealed for %s, and no private key in %s is one of theirs; have one of them run: moldctl state rekey --recipient YOURS …",
				strings.Join(m.recipients, ", "), path)
		}
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, 4<<10))
	if err != nil {
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	var key ageKey
	if err := json.Unmarshal(text, &key); err != nil || len(key.Key) != keySize {
		return nil, errors.New("unwrap data key: it is none of moldctl")
	}
	if key.Lineage != m.lineage {
		return nil, errors.New("unwrap data key: it belongs to another state")
	}
	return key.Key, nil
}

// readIdentities reads the private keys of a file; "" is the default one.
func readIdentities(path string) (string, []age.Identity, error) {
	if path == "" {
		var err error
		if path, err = DefaultIdentityFile(); err != nil {
			return "", nil, err
		}
	}
	text, err := readPrivate(path)
	if err != nil {
		return path, nil, fmt.Errorf("read identity file: %w", err)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return path, nil, fmt.Errorf("read identity file %s: it holds no age private key (AGE-SECRET-KEY-1…)", path)
	}
	return path, identities, nil
}

// readPrivate reads a file that only its owner may read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s: others may read it (mode %04o); run: chmod 600 %[1]s", path, mode)
	}
	return os.ReadFile(path)
}

// MakeIdentity writes a new private key to a file that is not there yet and
// returns its public key.
func MakeIdentity(path string) (string, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("make a key pair: %w", err)
	}
	public := identity.Recipient().String()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("write identity file: %w", err)
	}
	text := fmt.Sprintf("# public key: %s\n%s\n", public, identity)
	made, err := writeOnce(path, text)
	if err != nil {
		return "", fmt.Errorf("write identity file %s: %w", path, err)
	}
	if !made {
		return "", fmt.Errorf("write identity file: %s is there already, and may open a state; name another file", path)
	}
	return public, nil
}
