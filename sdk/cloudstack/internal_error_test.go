package cloudstack

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// TestInternalErrors answers a create with the cloud's own error until the
// client gives up. What nothing came of is closed, so that others of its kind
// may be sent; what cannot be looked for stays open.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	const failed = "checkpoint c id= job= done failed"
	for name, tc := range map[string]struct {
		listed  []reply
		sent    int
		journal []string
		id      string
	}{
		"nothing came of it": {
			listed:  []reply{ok(`{"r":{}}`)},
			sent:    3,
			journal: []string{"intent c", "intent c", "intent c", failed},
		},
		"the last one was carried out all the same": {
			listed:  []reply{ok(`{"r":{}}`), ok(`{"r":{}}`), ok(`{"r":{}}`), ok(`{"r":{}}`), ok(`{"r":{}}`), ok(`{"r":{"count":1,"condition":[{"id":"new"}]}}`)},
			sent:    3,
			journal: []string{"intent c", "intent c", "intent c", "checkpoint c id=new job= done"},
			id:      "new",
		},
		"two came of it": {
			listed:  []reply{ok(`{"r":{}}`), ok(`{"r":{"count":2,"condition":[{"id":"a"},{"id":"b"}]}}`)},
			sent:    1,
			journal: []string{"intent c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{answer: steps(map[string][]reply{"createCondition": {refusal(530, "db")}, "listConditions": tc.listed})}
				j := &memoryJournal{}
				object, err := newFake(t, f).With(j).Call(t.Context(), Mutation{
					Key: "c", Command: "createCondition", Result: "condition", Identity: Identity{Kind: Serial, List: "listConditions", Result: "condition"},
				})
				if object.ID() != tc.id || tc.id == "" && (err == nil || !strings.Contains(err.Error(), "db (530)")) {
					t.Errorf("got %v, %v", object, err)
				}
				if sent := f.count("createCondition"); sent != tc.sent {
					t.Errorf("sent %d times, want %d", sent, tc.sent)
				}
				if diff := cmp.Diff(tc.journal, j.entries); diff != "" {
					t.Errorf("journal (-want +got)\n%s", diff)
				}
			})
		})
	}
}
