package state

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzRows reads rows whose fields hold anything: as they are, and as the text
// under a seal that is right. What cannot be read is told with the address of
// the object; what can be is written the same way again.
func FuzzRows(f *testing.F) {
	whole := &Object{
		Key: Key{Addr: "instance.a"}, Type: "instance", Status: OK, ID: "8a1f", Values: []byte(`{"name":"web"}`), Private: []byte{0, 0xff},
		Lookups: map[string]Lookup{"offering": {ID: "77", Name: "Medium"}}, DependsOn: []string{"network.web"}, Cloud: "default", SchemaVersion: 3,
		Pending: []Call{{Key: "deploy", Command: "deployVirtualMachine", Identity: []byte(`{"kind":"marker"}`), ID: "8a1f", State: CallDone}},
	}
	plain, err := newSealer(make([]byte, keySize), "lineage")
	if err != nil {
		f.Fatal(err)
	}
	row, err := plain.rowOf(whole.Key, whole)
	if err != nil {
		f.Fatal(err)
	}
	pending, err := plain.openObject(row.pending, whole.Key, "pending")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row.info, row.data, []byte(whole.Private), pending, false, false)
	f.Add([]byte(`{"timeouts":{"create":"10m"},"updated_at":"2026-01-02T03:04:05Z"}`), []byte("null"), []byte(nil), []byte("[]"), true, true)
	f.Add([]byte(`{"schema":1e99}`), []byte{0xff}, []byte("x"), []byte(`[{"key":"a","identity":["",""]}]`), true, true)
	f.Add([]byte(strings.Repeat("[", 20000)), []byte(nil), []byte(nil), []byte(strings.Repeat(`[{"candidates":`, 9000)), false, true)
	f.Add(bytes.Repeat([]byte(`{"lookups":`), 9000), []byte(nil), []byte(nil), []byte(`[{"sent_at":"0000"}]`), false, true)
	f.Fuzz(func(t *testing.T, info, data, private, pending []byte, sealed, authentic bool) {
		key := Key{Addr: "instance.a"}
		r := &objectRow{key: key, typ: "instance", status: "ok", info: info, data: data, sealed: sealed, private: private, pending: pending}
		if authentic {
			r.private, r.pending = must(t)(plain.object(private, key, "private")), must(t)(plain.object(pending, key, "pending"))
			if sealed {
				r.data = must(t)(plain.object(data, key, "values"))
			}
		}
		object, err := plain.objectOf(r)
		if err != nil {
			if !strings.Contains(err.Error(), key.Addr) {
				t.Errorf("the error does not say which object: %v", err)
			}
			return
		}
		again, err := plain.rowOf(key, object)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := plain.objectOf(again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

// FuzzJournal replays journals that hold anything under a seal that is right.
func FuzzJournal(f *testing.F) {
	f.Add(kindBegin, []byte(`{"addr":"instance.a","action":"create","type":"instance","object":{"addr":"instance.a","type":"instance","info":{}}}`), kindCall, []byte(`{"key":"deploy","state":"open"}`))
	f.Add(kindCall, []byte(`{}`), kindBegin, []byte(`{}`))
	f.Add("", []byte("null"), kindBegin, []byte(`{"object":null,"calls":[{}]}`))
	f.Add(kindBegin, []byte(strings.Repeat(`{"object":`, 9000)), kindCall, []byte(`"x"`))
	f.Fuzz(func(t *testing.T, kind1 string, body1 []byte, kind2 string, body2 []byte) {
		snap := &Snapshot{Operations: map[string]*Operation{}}
		for _, e := range []struct {
			kind string
			body []byte
		}{{kind1, body1}, {kind2, body2}} {
			if err := replay(snap, "op", e.kind, e.body); err != nil {
				return
			}
		}
		if op := snap.Operations["op"]; op == nil || op.ID != "op" {
			t.Errorf("two entries were replayed, and the operation is %+v", op)
		}
	})
}

func must(t *testing.T) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}
