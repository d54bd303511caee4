package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// prepare encodes and seals an entry outside the writer's goroutine.
func (s *Store) prepare(e Entry) (change, error) {
	switch e := e.(type) {
	case Begin:
		return s.prepareBegin(e)
	case PutCall:
		return s.prepareCall(e)
	case Commit:
		return s.prepareCommit(e)
	case Put:
		return s.prepareSet(e.Key, e.Object)
	case Move:
		return func(ctx context.Context, b *batch) error { return b.move(ctx, e.From, e.To) }, nil
	case Bind:
		body, err := json.Marshal(recordBinding(e.Binding))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, b *batch) error { return b.bind(ctx, e.Binding.Alias, string(body)) }, nil
	case SetOutputs:
		return func(ctx context.Context, b *batch) error { return b.setOutputs(ctx, e.Outputs) }, nil
	}
	return nil, fmt.Errorf("unknown entry %T", e)
}

func (s *Store) prepareBegin(e Begin) (change, error) {
	if e.Operation.ID == "" {
		return nil, errors.New("begin an operation without an id")
	}
	body, err := s.sealJournal(e.Operation.ID, kindBegin, recordOperation(e.Operation))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, b *batch) error {
		return b.journal(ctx, e.Operation.ID, kindBegin, body)
	}, nil
}

func (s *Store) prepareCall(e PutCall) (change, error) {
	body, err := s.sealJournal(e.Operation, kindCall, recordCalls([]Call{e.Call})[0])
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, b *batch) error {
		return b.journal(ctx, e.Operation, kindCall, body)
	}, nil
}

func (s *Store) prepareCommit(e Commit) (change, error) {
	set, err := s.prepareSet(e.Key, e.Object)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, b *batch) error {
		if err := b.journal(ctx, e.Operation, kindEnd, nil); err != nil {
			return err
		}
		return set(ctx, b)
	}, nil
}

func (s *Store) prepareSet(key Key, object *Object) (change, error) {
	if key.Addr == "" {
		return nil, errors.New("set an object without an address")
	}
	var row *objectRow
	if object != nil {
		var err error
		if row, err = s.seal.rowOf(key, object); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, b *batch) error { return b.set(ctx, key, row) }, nil
}

func (s *Store) sealJournal(operation, kind string, record any) ([]byte, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	return s.seal.named(text, "operation "+kind, operation)
}
