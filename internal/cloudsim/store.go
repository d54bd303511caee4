package cloudsim

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// store holds all tables. Everything in it is used under the cloud's lock; a group of changes ends with commit, which makes
// them durable together, or with rollback, which undoes them.
type store struct {
	Tables
	clock   Clock
	all     []anyTable
	undo    []func()
	pending []record
	seq     uint64
	wal     *wal // nil: memory only
	err     error

	commits int // in memory alone; see trimMemory
}

// record is one change of one row in the log; a null value is a deletion.
type record struct {
	Table string          `json:"t"`
	ID    string          `json:"k"`
	Value json.RawMessage `json:"v"`
}

func newStore(clock Clock) *store {
	s := &store{clock: clock}
	s.Tables = newTables(s)
	return s
}

// addTable makes a table and enrols it for persistence; first is the number of its first row.
func addTable[T row](s *store, name string, first int64) *Table[T] {
	t := &Table[T]{name: name, store: s, rows: make(map[string]T), next: first}
	s.all = append(s.all, t)
	return t
}

func (s *store) onRollback(f func()) { s.undo = append(s.undo, f) }

func (s *store) log(table, id string, row any) {
	if s.wal == nil {
		return
	}
	value, err := json.Marshal(row)
	if err != nil {
		s.err = fmt.Errorf("encode row %s of table %s: %w", id, table, err)
		return
	}
	s.pending = append(s.pending, record{Table: table, ID: id, Value: value})
}

// commit hands the changes since the last commit to the log and returns the point up to which wal.sync must be called
// before anybody may be told of them. If they cannot be written they are undone.
func (s *store) commit() (uint64, error) {
	if s.err != nil {
		err := s.err
		s.rollback()
		return s.seq, err
	}
	if len(s.pending) == 0 || s.wal == nil {
		s.undo = s.undo[:0]
		s.trimMemory()
		return s.seq, nil
	}
	if err := s.wal.append(s.seq+1, s.pending); err != nil {
		s.rollback()
		return s.seq, err
	}
	s.seq++
	s.undo, s.pending = s.undo[:0], nil
	if s.wal.size <= s.wal.limit {
		return s.seq, nil
	}
	trimLogs(s)
	s.undo, s.pending = s.undo[:0], nil // the compact log holds it
	return s.seq, s.wal.compact(s)
}

// trimEvery is how many commits of a cloud in memory pass between two looks at its logs.
const trimEvery = 2000

// trimMemory keeps the logs of a cloud without a folder from growing without end; one with a folder trims them when its log
// is written anew.
func (s *store) trimMemory() {
	if s.wal != nil {
		return
	}
	if s.commits++; s.commits%trimEvery == 0 {
		trimLogs(s)
		s.undo = s.undo[:0]
	}
}

// rollback undoes the changes since the last commit.
func (s *store) rollback() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
	s.undo, s.pending, s.err = s.undo[:0], nil, nil
}

// newUUID returns a random (version 4) UUID.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
