package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// PushOptions say what a push may do.
type PushOptions struct {
	// Force takes a document that is older than the state, or of another
	// lineage: the state's own lineage stays then.
	Force bool
}

// Pushed is what a push has changed.
type Pushed struct {
	Set, Removed []Key
	Serial       int64
}

// Push makes the state what a document says. It refuses a document of another
// lineage or with an older serial: somebody has changed the state since. A
// state that holds nothing yet takes over the lineage. After it the store can
// only be closed.
func (s *Store) Push(ctx context.Context, d *Document, o PushOptions) (Pushed, error) {
	wanted, err := d.snapshot(s.opts)
	if err != nil {
		return Pushed{}, fmt.Errorf("push the document: %w", err)
	}
	now, err := s.Snapshot(ctx)
	if err != nil {
		return Pushed{}, err
	}
	empty := now.Serial == 0 && len(now.Objects) == 0 && len(now.Operations) == 0
	if err := pushable(wanted, now, empty, o); err != nil {
		return Pushed{}, err
	}
	p := pusher{wanted: wanted, now: now, adopt: empty && now.Lineage != wanted.Lineage}
	err = s.write(ctx, func(ctx context.Context, b *batch) error {
		p.done = Pushed{}
		return p.push(ctx, b)
	})
	return p.done, err
}

// pushable says why a document may not replace what is there.
func pushable(wanted, now *Snapshot, empty bool, o PushOptions) error {
	switch {
	case len(now.Operations) > 0:
		return errors.New("push: the state has an interrupted run that is not settled; run apply first, then pull and push again")
	case empty || o.Force:
		return nil
	case wanted.Lineage != now.Lineage:
		return fmt.Errorf("push: the document is of another state (lineage %s, this one has %s); pull from this state, or push to another stack", wanted.Lineage, now.Lineage)
	case wanted.Serial < now.Serial:
		return fmt.Errorf("push: the document is older than the state (serial %d, the state has %d); pull again and repeat the change", wanted.Serial, now.Serial)
	}
	return nil
}

// pusher is one push.
type pusher struct {
	wanted, now *Snapshot
	adopt       bool // take over the document's lineage
	done        Pushed
}

func (p *pusher) push(ctx context.Context, b *batch) error {
	seal := b.session.seal
	if p.adopt {
		// Every sealed text is bound to the lineage, so the state gets a new key.
		next := b.session.meta
		next.lineage = p.wanted.Lineage
		var err error
		if seal, err = b.reborn(ctx, next); err != nil {
			return err
		}
		b.final = errOpenAnew
	}
	if p.wanted.Serial > b.serial+1 {
		b.serial = p.wanted.Serial - 1 // touch adds one
	}
	for _, step := range []func(context.Context, *batch, *sealer) error{p.objects, p.bindings, p.outputs, p.operations} {
		if err := step(ctx, b, seal); err != nil {
			return err
		}
	}
	p.done.Serial = b.serial
	return nil
}

// reborn gives an empty state another lineage.
func (b *batch) reborn(ctx context.Context, next meta) (*sealer, error) {
	dataKey, err := b.session.meta.unwrap(b.session.opts)
	if err != nil {
		return nil, err
	}
	if err := next.wrap(dataKey, b.session.opts.Keys); err != nil {
		return nil, err
	}
	if err := b.exec(ctx, "UPDATE meta SET lineage = ?, key_id = ?, data_key = ?", next.lineage, next.keyID, next.dataKey); err != nil {
		return nil, err
	}
	return newSealer(dataKey, next.lineage)
}

func (p *pusher) objects(ctx context.Context, b *batch, seal *sealer) error {
	for _, key := range sortedKeys(p.now.Objects) {
		if p.wanted.Objects[key] == nil {
			if err := b.set(ctx, key, nil); err != nil {
				return err
			}
			p.done.Removed = append(p.done.Removed, key)
		}
	}
	for _, key := range sortedKeys(p.wanted.Objects) {
		object := p.wanted.Objects[key]
		if old := p.now.Objects[key]; old != nil && sameObject(old, object) {
			continue
		}
		row, err := seal.rowOf(key, object)
		if err != nil {
			return err
		}
		if err := b.set(ctx, key, row); err != nil {
			return err
		}
		p.done.Set = append(p.done.Set, key)
	}
	return nil
}

func (p *pusher) bindings(ctx context.Context, b *batch, _ *sealer) error {
	for _, alias := range sortedNames(p.wanted.Bindings) {
		body, err := json.Marshal(recordBinding(p.wanted.Bindings[alias]))
		if err != nil {
			return err
		}
		if err := b.bind(ctx, alias, string(body)); err != nil {
			return err
		}
	}
	for _, alias := range sortedNames(p.now.Bindings) {
		if _, ok := p.wanted.Bindings[alias]; !ok {
			if err := errors.Join(b.touch(ctx), b.exec(ctx, "DELETE FROM bindings WHERE alias = ?", alias)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pusher) outputs(ctx context.Context, b *batch, seal *sealer) error {
	var list []Output
	for _, name := range sortedNames(p.wanted.Outputs) {
		list = append(list, p.wanted.Outputs[name])
	}
	return b.replaceOutputs(ctx, p.now.Outputs, list, seal)
}

func (p *pusher) operations(ctx context.Context, b *batch, seal *sealer) error {
	for _, id := range sortedNames(p.wanted.Operations) {
		text, err := json.Marshal(recordOperation(*p.wanted.Operations[id]))
		if err != nil {
			return err
		}
		body, err := seal.named(text, "operation "+kindBegin, id)
		if err != nil {
			return err
		}
		if err := b.journal(ctx, id, kindBegin, body); err != nil {
			return err
		}
	}
	return nil
}

// sameObject compares all that is kept of two objects.
func sameObject(a, b *Object) bool {
	left, errLeft := json.Marshal(recordObject(a))
	right, errRight := json.Marshal(recordObject(b))
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}

// compactJSON removes what only makes JSON pleasant to read.
func compactJSON(text []byte) ([]byte, error) {
	var out bytes.Buffer
	err := json.Compact(&out, text)
	return out.Bytes(), err
}
