package cloudsim

import (
	"encoding/json"
	"fmt"
	"iter"
	"sort"
	"time"
)

// Base is embedded by every row. ID is the public UUID, N the internal number that CloudStack leaks into some texts.
type Base struct {
	ID      string     `json:"id"`
	N       int64      `json:"n"`
	Created time.Time  `json:"created"`
	Removed *time.Time `json:"removed,omitempty"` // soft-deleted: Get and All no longer see it, Any does
}

func (b Base) base() Base { return b }

// row is any struct that embeds Base.
type row interface{ base() Base }

// Table is one typed table of the store. Rows are values: Get returns a copy, and a change becomes visible (and durable
// with the transaction's commit) only through Put. Slices and maps inside a row are shared with the stored copy: replace
// them, never change them in place. A Table is used only under the cloud's lock.
type Table[T row] struct {
	name  string
	store *store
	rows  map[string]T
	order []string // by N; may hold ids that were deleted if stale
	stale bool
	next  int64
}

// Get returns the row with this id unless it is removed.
func (t *Table[T]) Get(id string) (T, bool) {
	r, ok := t.rows[id]
	if ok && r.base().Removed != nil {
		var zero T
		return zero, false
	}
	return r, ok
}

// Any returns the row with this id even if it is removed.
func (t *Table[T]) Any(id string) (T, bool) {
	r, ok := t.rows[id]
	return r, ok
}

// Put inserts or replaces a row.
func (t *Table[T]) Put(r T) {
	b := r.base()
	if b.ID == "" {
		panic("cloudsim: row without id put into table " + t.name)
	}
	old, existed := t.rows[b.ID]
	t.store.onRollback(func() {
		if existed {
			t.rows[b.ID] = old
			return
		}
		delete(t.rows, b.ID)
		t.stale = true
	})
	t.rows[b.ID] = r
	if !existed {
		t.insert(b)
	}
	t.store.log(t.name, b.ID, r)
}

// Delete forgets a row for good. Deleting an absent row does nothing.
func (t *Table[T]) Delete(id string) {
	old, existed := t.rows[id]
	if !existed {
		return
	}
	t.store.onRollback(func() {
		t.rows[id] = old
		t.sort()
	})
	delete(t.rows, id)
	t.stale = true
	t.store.log(t.name, id, nil)
}

// insert keeps order sorted by N; new rows go to the end.
func (t *Table[T]) insert(b Base) {
	t.next = max(t.next, b.N+1)
	if t.stale {
		t.sort()
		return
	}
	t.order = append(t.order, b.ID)
	if n := len(t.order); n > 1 && t.numberOf(t.order[n-2]) > b.N {
		t.stale = true
		t.sort()
	}
}

func (t *Table[T]) numberOf(id string) int64 {
	if r, ok := t.rows[id]; ok {
		return r.base().N
	}
	return 0
}

// sort rebuilds order from the rows.
func (t *Table[T]) sort() {
	t.order, t.stale = t.order[:0:0], false
	for id := range t.rows {
		t.order = append(t.order, id)
	}
	sort.Slice(t.order, func(i, j int) bool { return t.numberOf(t.order[i]) < t.numberOf(t.order[j]) })
}

// All goes through the rows that are not removed, in the order of their creation. The table may be changed meanwhile;
// rows added during the walk are not seen.
func (t *Table[T]) All() iter.Seq[T] {
	ids := t.order // changed only by appending to it, or replaced as a whole
	return func(yield func(T) bool) {
		for _, id := range ids {
			if r, ok := t.Get(id); ok && !yield(r) {
				return
			}
		}
	}
}

// Where returns the rows that are not removed and match, in the order of their creation.
func (t *Table[T]) Where(match func(T) bool) []T {
	var out []T
	for r := range t.All() {
		if match(r) {
			out = append(out, r)
		}
	}
	return out
}

// Find returns the first row that is not removed and matches.
func (t *Table[T]) Find(match func(T) bool) (T, bool) {
	for r := range t.All() {
		if match(r) {
			return r, true
		}
	}
	var zero T
	return zero, false
}

// Len is the number of rows that are not removed.
func (t *Table[T]) Len() int {
	n := 0
	for range t.All() {
		n++
	}
	return n
}

// NewBase gives a new row its id, number and creation time.
func (t *Table[T]) NewBase() Base { return t.BaseWithID(newUUID()) }

// BaseWithID is NewBase for a row whose id is known beforehand.
func (t *Table[T]) BaseWithID(id string) Base {
	b := Base{ID: id, N: t.next, Created: t.store.clock.Now().UTC().Truncate(time.Millisecond)}
	t.next++
	return b
}

// anyTable is what the store needs of a table without knowing its row type.
type anyTable interface {
	tableName() string
	load(id string, value json.RawMessage) error
	sort()
	dump(emit func(id string, row any) error) error
	number() int64
	setNumber(n int64)
	has(id string) bool
	forget()
}

func (t *Table[T]) tableName() string { return t.name }
func (t *Table[T]) number() int64     { return t.next }
func (t *Table[T]) setNumber(n int64) { t.next = max(t.next, n) }
func (t *Table[T]) has(id string) bool {
	_, ok := t.rows[id]
	return ok
}

func (t *Table[T]) forget() {
	t.rows, t.order, t.stale = make(map[string]T), nil, false
}

// load applies one record of the log: a row, or null for a deletion. sort must follow the last one.
func (t *Table[T]) load(id string, value json.RawMessage) error {
	if string(value) == "null" {
		delete(t.rows, id)
		return nil
	}
	var r T
	if err := json.Unmarshal(value, &r); err != nil {
		return fmt.Errorf("row %s of table %s: %w", id, t.name, err)
	}
	t.rows[id] = r
	t.next = max(t.next, r.base().N+1)
	return nil
}

func (t *Table[T]) dump(emit func(id string, row any) error) error {
	if t.stale {
		t.sort()
	}
	for _, id := range t.order {
		if err := emit(id, t.rows[id]); err != nil {
			return err
		}
	}
	return nil
}
