package apitable

import "testing"

func TestResponses(t *testing.T) {
	t.Parallel()
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	responses, err := Responses()
	if err != nil {
		t.Fatal(err)
	}
	for name := range table {
		if len(responses[name]) == 0 {
			t.Errorf("%s declares no answer", name)
		}
	}
	for _, f := range responses["deployVirtualMachine"] {
		if f.Name == "nic" && (f.Type != "set" || len(f.Fields) < 20) {
			t.Errorf("the cards of a machine: %s of %d fields", f.Type, len(f.Fields))
		}
	}
}
