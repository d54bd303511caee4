package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"go.yaml.in/yaml/v4"
)

// HintsFile is the file beside plugin.yaml in which an author says what cannot
// be known from the schema.
const HintsFile = "conformance.yaml"

// hints are what an author says of the types, by name.
type hints struct {
	Types map[string]typeHints `yaml:"types"`
}

// typeHints are what an author says of one type.
type typeHints struct {
	// Beside is a text that stands in the stack from the start: what somebody
	// else would have made before.
	Beside string `yaml:"beside"`
	// Values are expressions to try for an attribute, in the stack language.
	Values map[string][]string `yaml:"values"`
	// Skip says why an attribute is left alone.
	Skip map[string]string `yaml:"skip"`
	// Checks says why a check need not hold.
	Checks map[string]string `yaml:"checks"`
}

// readHints reads the file, if there is one.
func readHints(files fs.FS) (hints, error) {
	var h hints
	text, err := fs.ReadFile(files, HintsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("read %s: %w", HintsFile, err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&h); err != nil && !errors.Is(err, io.EOF) {
		return h, fmt.Errorf("read %s: %w", HintsFile, err)
	}
	return h, nil
}
