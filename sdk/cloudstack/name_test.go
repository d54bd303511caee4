package cloudstack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestName(t *testing.T) {
	t.Parallel()
	card := Object{"id": "n1", "virtualmachineid": "vm1", "parent": map[string]any{"id": "vm9"}}
	for name, tc := range map[string]struct {
		by, want string
	}{
		"its id":                   {"", "n1"},
		"another field":            {"virtualmachineid", "vm1"},
		"within another object":    {"virtualmachineid/id", "vm1/n1"},
		"of the object around":     {"parent.id/id", "vm9/n1"},
		"the object stands alone":  {"parent.virtualmachineid/id", "vm1/n1"},
		"a part that is not there": {"networkid/id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := card.Name(tc.by); got != tc.want {
				t.Errorf("Name(%q) = %q, want %q", tc.by, got, tc.want)
			}
		})
	}
}

// TestNestedListing reads what the API shows only within other objects.
func TestNestedListing(t *testing.T) {
	t.Parallel()
	f := &fakeCloud{answer: steps(map[string][]reply{
		"listNics":         {ok(`{"r":{"count":2,"nic":[{"id":"n1","secondaryip":[{"id":"a"},{"id":"b"}]},{"id":"n2"}]}}`)},
		"listCapabilities": {ok(`{"r":{"capability":{"cloudstackversion":"4.22"}}}`)},
	})}
	c := newFake(t, f)
	list := func(command, key, by string) []string {
		items, err := c.List(t.Context(), command, nil, key)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, item := range items {
			names = append(names, item.Name(by))
		}
		return names
	}
	if diff := cmp.Diff([]string{"n1/a", "n1/b"}, list("listNics", "nic.secondaryip", "parent.id/id")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"4.22"}, list("listCapabilities", "capability", "cloudstackversion")); diff != "" {
		t.Error(diff)
	}
}

// TestAnswerShowsAnother makes a card: the cloud answers with the machine.
func TestAnswerShowsAnother(t *testing.T) {
	t.Parallel()
	add := Mutation{
		Key: "create", Command: "addNicToVirtualMachine", Result: "virtualmachine",
		Identity: Identity{Kind: Serial, List: "listNics", Result: "nic", By: "virtualmachineid/id", Params: Params{"virtualmachineid": "vm1"}},
	}
	before := `{"r":{"count":1,"nic":[{"id":"n1","virtualmachineid":"vm1"}]}}`
	for name, tc := range map[string]struct {
		after, want, fails string
	}{
		"one more": {after: `{"r":{"count":2,"nic":[{"id":"n1","virtualmachineid":"vm1"},{"id":"n2","virtualmachineid":"vm1"}]}}`, want: "vm1/n2"},
		"none":     {after: before, fails: "addNicToVirtualMachine succeeded, and listNics lists 0 objects that may be what it made"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeCloud{answer: steps(map[string][]reply{
				"addNicToVirtualMachine": {ok(`{"x":{"jobid":"j1"}}`)}, "queryAsyncJobResult": {ok(jobGood)}, "listNics": {ok(before), ok(tc.after)},
			})}
			j := &memoryJournal{}
			object, err := newFake(t, f).With(j).Call(t.Context(), add)
			if tc.fails != "" {
				if err == nil || err.Error() != tc.fails {
					t.Errorf("got %v, want %s", err, tc.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := object.Name(add.Identity.By); got != tc.want || j.last["create"].ID != tc.want {
				t.Errorf("made %q, journaled %q; want %q", got, j.last["create"].ID, tc.want)
			}
		})
	}
}
