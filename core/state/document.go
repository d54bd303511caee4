package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The name and version of the JSON form; docs/state.md describes it.
const (
	documentFormat  = "moldctl-state"
	documentVersion = 1
)

// Document is a whole state as JSON, for keeping and for other stores. Its
// secrets are sealed as they are in the state; Key tells how to open them.
type Document struct {
	Format     string                   `json:"format"`
	Version    int                      `json:"version"`
	Lineage    string                   `json:"lineage"`
	Serial     int64                    `json:"serial"`
	Stack      string                   `json:"stack"`
	Key        documentKey              `json:"key"`
	Bindings   map[string]bindingRecord `json:"bindings"`
	Outputs    []documentOutput         `json:"outputs"`
	Objects    []documentObject         `json:"objects"`
	Operations []documentOperation      `json:"operations"`
}

// documentKey is the wrapped data key.
type documentKey struct {
	ID         string   `json:"id,omitempty"` // of the local key
	Recipients []string `json:"recipients,omitempty"`
	Wrapped    []byte   `json:"wrapped"`
}

type documentOutput struct {
	Name      string          `json:"name"`
	Type      json.RawMessage `json:"type,omitempty"`
	Value     json.RawMessage `json:"value,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
	Sealed    []byte          `json:"sealed,omitempty"`
}

// documentObject is an object; what is sealed is base64.
type documentObject struct {
	Address       string          `json:"address"`
	Deposed       string          `json:"deposed,omitempty"`
	Type          string          `json:"type"`
	Status        string          `json:"status"`
	ID            string          `json:"id"`
	Cloud         string          `json:"cloud,omitempty"`
	Info          json.RawMessage `json:"info"`
	Values        json.RawMessage `json:"values,omitempty"`
	SealedValues  []byte          `json:"sealed_values,omitempty"`
	SealedPrivate []byte          `json:"sealed_private,omitempty"`
	SealedPending []byte          `json:"sealed_pending,omitempty"`
}

type documentOperation struct {
	ID     string `json:"id"`
	Sealed []byte `json:"sealed"`
}

// Pull returns the state as a document. Its order does not depend on chance,
// so two documents can be compared as text.
func (s *Store) Pull(ctx context.Context) (*Document, error) {
	if s.db == nil {
		return nil, fmt.Errorf("pull state %s: there is none yet", s.engine.name())
	}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	d := &Document{
		Format: documentFormat, Version: documentVersion, Lineage: snap.Lineage, Serial: snap.Serial, Stack: snap.Stack,
		Key:      documentKey{s.meta.keyID, s.meta.recipients, s.meta.dataKey},
		Bindings: map[string]bindingRecord{}, Outputs: []documentOutput{}, Objects: []documentObject{}, Operations: []documentOperation{},
	}
	for alias, b := range snap.Bindings {
		d.Bindings[alias] = recordBinding(b)
	}
	for _, key := range sortedKeys(snap.Objects) {
		if err := d.addObject(s.seal, snap.Objects[key]); err != nil {
			return nil, fmt.Errorf("pull %s: %w", key.Addr, err)
		}
	}
	for _, name := range sortedNames(snap.Outputs) {
		if err := d.addOutput(s.seal, snap.Outputs[name]); err != nil {
			return nil, fmt.Errorf("pull output %s: %w", name, err)
		}
	}
	for _, id := range sortedNames(snap.Operations) {
		text, err := json.Marshal(recordOperation(*snap.Operations[id]))
		if err != nil {
			return nil, fmt.Errorf("pull operation %s: %w", id, err)
		}
		sealed, err := s.seal.named(text, "operation", id)
		if err != nil {
			return nil, fmt.Errorf("pull operation %s: %w", id, err)
		}
		d.Operations = append(d.Operations, documentOperation{id, sealed})
	}
	return d, nil
}

func (d *Document) addObject(seal *sealer, o *Object) error {
	row, err := seal.rowOf(o.Key, o)
	if err != nil {
		return err
	}
	doc := documentObject{
		Address: o.Addr, Deposed: o.Deposed, Type: row.typ, Status: row.status, ID: row.id, Cloud: row.cloud,
		Info: row.info, SealedPrivate: row.private, SealedPending: row.pending,
	}
	switch {
	case row.sealed:
		doc.SealedValues = row.data
	case json.Valid(row.data):
		doc.Values = row.data
	case row.data != nil:
		return errors.New("its values are no JSON")
	}
	d.Objects = append(d.Objects, doc)
	return nil
}

func (d *Document) addOutput(seal *sealer, o Output) error {
	doc := documentOutput{Name: o.Name, Type: o.Type, Sensitive: o.Sensitive}
	if !o.Sensitive {
		doc.Value = o.Value
		d.Outputs = append(d.Outputs, doc)
		return nil
	}
	var err error
	doc.Sealed, err = seal.named(o.Value, "output", o.Name)
	d.Outputs = append(d.Outputs, doc)
	return err
}

// ParseDocument reads a document and checks its form. The secrets in it are
// looked at only by Push.
func ParseDocument(text []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("read state document: it is no JSON of a state: %w", err)
	}
	switch {
	case d.Format != documentFormat:
		return nil, fmt.Errorf("read state document: its \"format\" is %q, not %q; documents are made by: moldctl state pull", d.Format, documentFormat)
	case d.Version > documentVersion:
		return nil, fmt.Errorf("read state document: it has version %d and this moldctl understands versions up to %d; use a newer moldctl", d.Version, documentVersion)
	case d.Lineage == "" || d.Serial < 0 || len(d.Key.Wrapped) == 0:
		return nil, errors.New("read state document: it is cut off: lineage, serial or key is missing")
	}
	for _, o := range d.Objects {
		if o.Address == "" || strings.ContainsRune(o.Address+o.Deposed, 0) {
			return nil, errors.New("read state document: an object in it has no usable address")
		}
	}
	return &d, nil
}

// snapshot opens the document's secrets.
func (d *Document) snapshot(opts Options) (*Snapshot, error) {
	m := meta{lineage: d.Lineage, keyID: d.Key.ID, dataKey: d.Key.Wrapped, recipients: d.Key.Recipients}
	dataKey, err := m.unwrap(opts)
	if err != nil {
		return nil, err
	}
	seal, err := newSealer(dataKey, d.Lineage)
	if err != nil {
		return nil, err
	}
	snap := &Snapshot{
		Lineage: d.Lineage, Serial: d.Serial, Stack: d.Stack, Objects: map[Key]*Object{}, Operations: map[string]*Operation{},
		Bindings: map[string]Binding{}, Outputs: map[string]Output{},
	}
	for alias, b := range d.Bindings {
		snap.Bindings[alias] = b.binding(alias)
	}
	for _, o := range d.Objects {
		object, err := o.open(seal)
		if err != nil {
			return nil, err
		}
		if snap.Objects[object.Key] != nil {
			return nil, fmt.Errorf("object %s is there twice", o.Address)
		}
		snap.Objects[object.Key] = object
	}
	for _, o := range d.Outputs {
		out := Output{Name: o.Name, Type: o.Type, Value: o.Value, Sensitive: o.Sensitive}
		if o.Sensitive {
			if out.Value, err = seal.openNamed(o.Sealed, "output", o.Name); err != nil {
				return nil, err
			}
		}
		snap.Outputs[o.Name] = out
	}
	for _, o := range d.Operations {
		text, err := seal.openNamed(o.Sealed, "operation", o.ID)
		if err != nil {
			return nil, err
		}
		var r operationRecord
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.ID, err)
		}
		snap.Operations[o.ID] = r.operation(o.ID)
	}
	return snap, nil
}

func (o documentObject) open(seal *sealer) (*Object, error) {
	row := &objectRow{
		key: Key{o.Address, o.Deposed}, typ: o.Type, status: o.Status, id: o.ID, cloud: o.Cloud, info: o.Info,
		private: o.SealedPrivate, pending: o.SealedPending,
	}
	if o.SealedValues != nil {
		row.data, row.sealed = o.SealedValues, true
	} else if o.Values != nil {
		compact, err := compactJSON(o.Values) // a person may have laid it out
		if err != nil {
			return nil, fmt.Errorf("values of %s: %w", o.Address, err)
		}
		row.data = compact
	}
	return seal.objectOf(row)
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
