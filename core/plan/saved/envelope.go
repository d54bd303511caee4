package saved

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// Magic begins every plan file; the format's number follows.
	Magic  = "moldctl-plan "
	format = 1

	// MaxSize bounds what is read as a plan file.
	MaxSize   = 256 << 20
	maxHeader = 64 << 10
)

// Header is the part of a plan file that is not sealed: what is needed to find
// the state whose key opens the rest.
type Header struct {
	Version string `json:"version"` // of moldctl
	Dir     string `json:"dir"`     // the stack's folder when the plan was made
	Lineage string `json:"lineage"` // of the state
	// Where the state lies: a file below the folder, or a database.
	File        string `json:"file,omitempty"`
	URL         string `json:"url,omitempty"` // as the stack says it: without a password
	Environment string `json:"environment,omitempty"`
	Stack       string `json:"stack,omitempty"`
}

// Sealer encrypts under a state's key; the use is authenticated with the text.
type Sealer interface {
	Seal(use string, plain []byte) ([]byte, error)
	Unseal(use string, sealed []byte) ([]byte, error)
}

// Is tells whether a file begins as a plan does.
func Is(head []byte) bool { return bytes.HasPrefix(head, []byte(Magic)) }

// Pack writes a plan file.
func Pack(h Header, c *Content, s Sealer) ([]byte, error) {
	header, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("write the plan: %w", err)
	}
	plain, err := c.Encode()
	if err != nil {
		return nil, fmt.Errorf("write the plan: %w", err)
	}
	top := fmt.Appendf(nil, "%s%d\n%s\n", Magic, format, header)
	sealed, err := s.Seal(use(top), plain)
	if err != nil {
		return nil, fmt.Errorf("seal the plan: %w", err)
	}
	return append(top, sealed...), nil
}

// use binds the sealed part to what stands above it.
func use(top []byte) string { return "plan file\x00" + string(top) }

// Packed is a plan file whose sealed part is closed still.
type Packed struct {
	Header Header
	top    []byte
	sealed []byte
}

// Unpack reads what a plan file tells openly.
func Unpack(data []byte) (*Packed, error) {
	first, rest, ok := bytes.Cut(data, []byte("\n"))
	if !Is(first) {
		return nil, errors.New("it is no plan of moldctl")
	}
	if !ok {
		return nil, errors.New("it ends too soon: the file was cut off")
	}
	var version int
	if _, err := fmt.Sscanf(string(first[len(Magic):]), "%d", &version); err != nil || version < 1 {
		return nil, errors.New("it is no plan of moldctl, or it was damaged")
	}
	if version != format {
		return nil, fmt.Errorf("it has format %d, and this moldctl understands format %d; use the moldctl that made it, or plan again", version, format)
	}
	header, sealed, ok := bytes.Cut(rest, []byte("\n"))
	if !ok || len(header) > maxHeader {
		return nil, errors.New("it ends too soon: the file was cut off")
	}
	p := &Packed{top: data[:len(first)+len(header)+2], sealed: sealed}
	if err := json.Unmarshal(header, &p.Header); err != nil {
		return nil, errors.New("its first lines cannot be read: the file was damaged")
	}
	return p, nil
}

// Open unseals the content.
func (p *Packed) Open(s Sealer) (*Content, error) {
	plain, err := s.Unseal(use(p.top), p.sealed)
	if err != nil {
		return nil, fmt.Errorf("it does not open with the state's key (%w): it was cut off or changed, belongs to another state, or the state has another key since (moldctl state rekey); plan again", err)
	}
	return Decode(plain)
}
