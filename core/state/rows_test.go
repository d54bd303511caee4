package state_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/core/state"
)

// TestHostileRows puts what never stands there into every column of a state's
// tables: reading ends with an error that names the file, or goes on, takes no
// more memory than the row is worth, and never crashes.
func TestHostileRows(t *testing.T) {
	t.Parallel()
	columns := map[string][]string{
		"objects":  {"addr", "deposed", "type", "status", "id", "cloud", "info", "data", "sealed", "private", "pending"},
		"journal":  {"operation", "kind", "body"},
		"bindings": {"alias", "body"},
		"outputs":  {"name", "type", "value", "sensitive"},
		"meta":     {"lineage", "stack", "serial", "key_id", "data_key", "recipients"},
	}
	hostile := map[string]any{
		"nothing": "", "a number": int64(-1), "a fraction": 1e300, "bytes": []byte{0, 0xff, 0xfe}, "a list": "[]", "null": "null",
		"an object of another kind": `{"x":{"y":[1,2,3]}}`, "deep": strings.Repeat("[", 30000), "long": strings.Repeat("x", 1<<20),
	}
	dir := t.TempDir()
	for table, names := range columns {
		for _, column := range names {
			t.Run(table+"."+column, func(t *testing.T) {
				t.Parallel()
				for name, value := range hostile {
					hostileRow(t, fmt.Sprintf("%s/%s-%s-%s", dir, table, column, strings.ReplaceAll(name, " ", "-")), table, column, value)
				}
			})
		}
	}
}

func hostileRow(t *testing.T, dir, table, column string, value any) {
	t.Helper()
	s, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s,
		state.Put{Key: state.Key{Addr: "instance.a"}, Object: whole("instance.a")},
		state.Begin{Operation: state.Operation{ID: "op", Key: state.Key{Addr: "instance.a"}, Action: "update", Object: whole("instance.a")}},
		state.PutCall{Operation: "op", Call: state.Call{Key: "stop", State: state.CallOpen}},
		state.Bind{Binding: state.Binding{Alias: "default", Endpoint: "cloud"}},
		state.SetOutputs{Outputs: []state.Output{{Name: "url", Value: []byte(`"x"`), Type: []byte(`"string"`), Sensitive: true}}},
	)
	err = s.Exec("UPDATE "+table+" SET "+column+" = ?", value)
	if closing := s.Close(); err != nil && strings.Contains(err.Error(), "constraint") {
		return // the table itself refuses it
	} else if err != nil || closing != nil {
		t.Fatal(err, closing)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, change := range [][]func(*state.Options){nil, {readOnly}} {
		if err := readAll(t, dir, change...); err != nil && !strings.Contains(err.Error(), statePath(dir)) {
			t.Errorf("%s.%s = %.20q: the error does not name the file: %v", table, column, value, err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.HeapSys - before.HeapSys; int64(grown) > 256<<20 {
		t.Errorf("%s.%s = %.20q: reading took %d MiB", table, column, value, grown>>20)
	}
}

// readAll opens a state and reads everything there is.
func readAll(t *testing.T, dir string, change ...func(*state.Options)) error {
	t.Helper()
	s, err := state.OpenSQLite(t.Context(), statePath(dir), options(dir, change...))
	if err != nil {
		return err
	}
	_, err = s.Snapshot(t.Context())
	if err == nil {
		_, err = s.History(t.Context())
	}
	if closing := s.Close(); err == nil {
		err = closing
	}
	return err
}
